"""The calls about events, and the account itself."""

from typing import Any

from stripe import Account

from local.standin.listing import matching, page
from local.standin.params import PAGE, many, moment_range, text
from local.standin.refusals import malformed, no_such
from local.standin.routing import route
from local.standin.shapes import blank, part
from local.standin.world import DAY, Thing, World

REACHES_BACK = 30 * DAY


@route("GET /v1/events/{id}")
def retrieve(world: World, params: dict[str, Any], id: str) -> Thing:
    return world.find("event", id)


@route("GET /v1/events", created=moment_range, type=text, types=many(text), **PAGE)
def list_all(world: World, params: dict[str, Any]) -> Thing:
    """Those of the last thirty days; `type` may end in `.*`."""
    if "type" in params and "types" in params:
        raise malformed("You may only specify one of these parameters: type, types.", "types")
    wanted = params.get("types") or ([params["type"]] if "type" in params else [])
    oldest = world.now() - REACHES_BACK
    chosen = [each for each in matching(world, "event", params) if each["created"] >= oldest
              and (not wanted or any(_matches(each["type"], one) for one in wanted))]
    return page(chosen, params, "/v1/events")


def _matches(kind: str, wanted: str) -> bool:
    return kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted


@route("GET /v1/account")
def account(world: World, params: dict[str, Any]) -> Thing:
    return blank(
        "account", id=world.account, business_type="non_profit", charges_enabled=True, country="US",
        default_currency="usd", details_submitted=True, metadata={}, payouts_enabled=True, type="standard",
        settings=None, business_profile=part(Account.BusinessProfile, name="Stand-in"))


@route("GET /v1/accounts/{id}")
def account_by_id(world: World, params: dict[str, Any], id: str) -> Thing:
    if id != world.account:
        raise no_such("account", id)
    return account(world, params)
