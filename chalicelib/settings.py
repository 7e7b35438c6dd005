"""The only reader of the environment. What is missing or cannot be right is named, and nothing starts."""

import functools
import os
from urllib.parse import urlsplit

import msgspec

from chalicelib.errors import MisconfiguredError

SECRET_REFERENCE = "ssm:"  # noqa: S105 - the mark of a reference, not a secret
# The keys of a challenge that needs no network: a box to tick.
STAND_IN_CHALLENGE = "stand-in"
# With these every answer passes, or none does: https://developers.cloudflare.com/turnstile/troubleshooting/testing/
CHALLENGES_FOR_TESTS = (STAND_IN_CHALLENGE, "1x0000", "2x0000", "3x0000")


class Settings(msgspec.Struct, frozen=True):
    """One deployment's settings. Secrets may be given as `ssm:/path`, read once from the Parameter Store."""

    stage: str
    site_url: str
    giving_table: str
    signups_table: str
    passing_table: str
    money_queue: str
    mail_queue: str
    documents_bucket: str
    stripe_api_key: str
    stripe_webhook_secret: str
    token_secret: str
    stripe_api_base: str = ""
    stripe_account: str = ""
    extra_origins: str = ""
    mail_configuration_set: str = ""
    metrics_namespace: str = "Giving"
    guard: str = "strict"
    turnstile_site_key: str = ""
    turnstile_secret: str = ""

    @property
    def livemode(self) -> bool:
        """Whether Stripe's objects must be live ones: a test event at a live endpoint is not ours."""
        return self.stripe_api_key.startswith(("sk_live_", "rk_live_"))

    @property
    def secure(self) -> bool:
        """Whether the site is reached over https, and so may set `__Host-` cookies."""
        return self.site_url.startswith("https://")

    @property
    def own_origins(self) -> frozenset[str]:
        """The origins of our own pages, from which the portal may be changed."""
        site = urlsplit(self.site_url)
        return frozenset({f"{site.scheme}://{site.netloc}", *self.extra_origins.split()})


@functools.cache
def current() -> Settings:
    """The settings of this process, read and checked once. Raises MisconfiguredError naming every fault."""
    given = {field: os.environ.get(field.upper(), "").strip() for field in Settings.__struct_fields__}
    needed = {f.name for f in msgspec.structs.fields(Settings) if f.required}
    missing = sorted(name.upper() for name in needed if not given[name])
    if missing:
        raise MisconfiguredError(f"Not set: {', '.join(missing)}.")
    settings = Settings(**{name: _resolved(value) for name, value in given.items() if value})
    _check(settings)
    return settings


def is_production() -> bool:
    """Whether this is the stage that real donors meet."""
    return os.environ.get("STAGE", "") in {"prod", "production", "live"}


def _resolved(value: str) -> str:
    if not value.startswith(SECRET_REFERENCE):
        return value
    from chalicelib import aws  # noqa: PLC0415 - only where a secret is kept in the Parameter Store

    return aws.read_secret(value.removeprefix(SECRET_REFERENCE))


def _check(settings: Settings) -> None:
    faults = [
        (not settings.stripe_webhook_secret.startswith("whsec_") or len(settings.stripe_webhook_secret) < 16,
         "STRIPE_WEBHOOK_SECRET must be the endpoint's whsec_ secret: without it anybody could write gifts."),
        (not settings.stripe_api_key.startswith(("sk_", "rk_")), "STRIPE_API_KEY must be a secret or restricted key."),
        (len(settings.token_secret) < 32, "TOKEN_SECRET needs at least 32 characters."),
        (is_production() and not settings.secure, "SITE_URL must be https in production."),
        (is_production() and bool(settings.stripe_api_base), "STRIPE_API_BASE is for the local run only."),
        (settings.guard not in {"strict", "wide"}, "GUARD is strict or wide."),
        (bool(settings.turnstile_site_key) != bool(settings.turnstile_secret),
         "TURNSTILE_SITE_KEY and TURNSTILE_SECRET come together, or neither."),
        (is_production() and settings.turnstile_secret.startswith(CHALLENGES_FOR_TESTS),
         "TURNSTILE_SECRET is one for tests: production needs a widget's own, or none."),
        (is_production() and settings.guard != "strict", "GUARD must be strict in production."),
    ]  # fmt: skip
    found = [why for fault, why in faults if fault]
    if found:
        raise MisconfiguredError(" ".join(found))
