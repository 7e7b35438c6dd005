"""Which function answers which request: a table that the concept files fill by `@route`."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from local.standin.params import EXPAND, group
from local.standin.refusals import Refused


class Route(NamedTuple):
    method: str
    pattern: re.Pattern[str]
    read: Callable[..., dict[str, Any]]
    act: Callable[..., Any]


ROUTES: list[Route] = []


def route(call: str, required: tuple[str, ...] = (), **fields: Any) -> Callable[..., Any]:
    """Answer `call` ("POST /v1/customers/{id}") with the decorated function, given exactly these parameters."""
    method, template = call.split(" ")
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template) + "$")

    def register(act: Callable[..., Any]) -> Callable[..., Any]:
        ROUTES.append(Route(method, pattern, group(required, **(EXPAND | fields)), act))
        return act
    return register


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Raises Refused as Stripe does for an address it does not know."""
    for each in ROUTES:
        found = each.pattern.match(path)
        if found and each.method == method:
            return each, found.groupdict()
    raise Refused(404, f"Unrecognized request URL ({method}: {path}).", before_work=True)
