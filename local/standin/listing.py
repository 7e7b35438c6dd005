"""Lists as Stripe pages them: newest first, cursors by id."""

import operator
from typing import Any

from local.standin.refusals import malformed, no_such
from local.standin.world import Thing, World

COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def page(things: list[Thing], params: dict[str, Any], url: str) -> Thing:
    """The page that `limit`, `starting_after` and `ending_before` ask of things given oldest first."""
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise malformed("This value must be between 1 and 100 (inclusive).", "limit",
                        "parameter_invalid_integer")
    newest_first = things[::-1]
    if "ending_before" in params:
        before = newest_first[:_position(newest_first, params, "ending_before")]
        chosen, more = before[-limit:], len(before) > limit
    else:
        start = _position(newest_first, params, "starting_after") + 1 if "starting_after" in params else 0
        chosen, more = newest_first[start:start + limit], len(newest_first) > start + limit
    return {"object": "list", "data": chosen, "has_more": more, "url": url}


def _position(things: list[Thing], params: dict[str, Any], cursor: str) -> int:
    for at, each in enumerate(things):
        if each["id"] == params[cursor]:
            return at
    raise no_such("object", params[cursor], cursor, status=400)


def matching(world: World, kind: str, params: dict[str, Any], *fields: str) -> list[Thing]:
    """Objects whose fields equal the parameters of the same name, within `created`."""
    wanted = {name: params[name] for name in fields if name in params}
    return [each for each in world.all(kind, **wanted) if within(each["created"], params.get("created", {}))]


def within(moment: int, bounds: dict[str, int]) -> bool:
    return all(COMPARE[name](moment, bound) for name, bound in bounds.items())


def whole_list(things: list[Thing], url: str) -> Thing:
    """A list nested in another object."""
    return {"object": "list", "data": things, "has_more": False, "url": url}
