"""
Table of contents.

Every route comes from a blueprint; every queue and schedule handler stands
here, because Chalice deploys a handler declared on a blueprint without this
file, and so without its middleware.
"""

from collections.abc import Callable
from typing import Any

from chalice import Chalice, Rate
from chalice.app import CloudWatchEvent, Request, Response, SQSEvent

from chalicelib import charity, health, http, letters, openapi, settings
from chalicelib.gift_aid.routes import routes as gift_aid
from chalicelib.giving.routes import routes as giving
from chalicelib.mail import errands
from chalicelib.partners.routes import routes as partners
from chalicelib.portal.email_routes import routes as portal_email
from chalicelib.portal.joining_routes import routes as portal_joining
from chalicelib.portal.privacy_routes import routes as portal_privacy
from chalicelib.portal.routes import routes as portal
from chalicelib.portal.session_routes import routes as portal_sessions
from chalicelib.processor import reconcile, settle, standing, webhook
from chalicelib.processor.routes import routes as processor
from chalicelib.signups.routes import routes as signups
from chalicelib.site.routes import routes as site
from chalicelib.statements.routes import routes as statements

# Its log goes by the name of ours, which has a handler of its own: with Chalice's as well every line would come twice.
app = Chalice(app_name="giving", configure_logs=False)
for blueprint in (
    giving, processor, signups, portal, portal_sessions, portal_email, portal_joining, portal_privacy, partners,
    statements, gift_aid, openapi.routes, health.routes, site,
):  # fmt: skip
    app.register_blueprint(blueprint)

# Refuse to start on settings or facts that cannot be right.
settings.current()
charity.current()


@app.middleware("http")
def one_shape(request: Request, next_handler: Callable[[Request], Response]) -> Response:
    """Give every answer its security headers, and Chalice's own refusals our error shape."""
    return http.finished(next_handler(request))


@app.middleware("sqs")
def with_its_cause(event: SQSEvent, next_handler: Callable[[SQSEvent], Any]) -> Any:
    """Let what failed lie among the dead letters with its cause."""
    return letters.keep_cause(event, next_handler)


@app.on_sqs_message(queue="money", batch_size=1)
def record_stripe_event(event: SQSEvent) -> None:
    """Bring the ledger up to date with what one of Stripe's events is about."""
    for record in event:
        settle.handle(webhook.read_hint(record.body))


@app.on_sqs_message(queue="mail", batch_size=1)
def send_mail(event: SQSEvent) -> None:
    """Do what a page left to be done: a mail to send, a sign-up to keep."""
    for record in event:
        errands.run(record.body)


@app.schedule(Rate(1, unit=Rate.HOURS))
def reconcile_hourly(_event: CloudWatchEvent) -> None:
    """Compare the last three days with Stripe, and heal."""
    reconcile.last(days=3)


@app.schedule(Rate(1, unit=Rate.DAYS))
def reconcile_daily(_event: CloudWatchEvent) -> None:
    """Compare five weeks with Stripe both ways, an older week, and how every monthly gift stands; heal."""
    reconcile.last(days=reconcile.DAILY_DAYS, both_ways=True)
    reconcile.an_old_week()
    standing.look()
