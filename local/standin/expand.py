"""Expansion of ids into objects, told from the SDK's annotations which fields allow it."""

import copy
from typing import Any, ForwardRef, get_args, get_origin

from stripe import ListObject, StripeObject

from local.standin.refusals import malformed
from local.standin.shapes import ONLY_WHEN_ASKED, class_of, fields_of, is_expandable, without_none
from local.standin.world import Thing, World

DEEPEST = 4
INCLUDED: dict[tuple[str, str], Any] = {}
"""What fills the lists that Stripe leaves out until they are asked for: (kind, field) -> function(world, thing)."""


def expanded(world: World, thing: Thing, paths: list[str]) -> Thing:
    """A copy of the answer with every path expanded. Raises Refused for a path that cannot be."""
    answer = copy.deepcopy(thing)
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise malformed(f"You cannot expand more than {DEEPEST} levels of a property: {path}", "expand")
        _expand(world, answer, steps, path, _class(answer))
    return answer


def _class(thing: Any) -> type | None:
    kind = thing.get("object") if isinstance(thing, dict) else None
    return class_of(kind) if kind and kind != "list" else None


def _expand(world: World, holder: Any, steps: list[str], path: str, cls: type | None) -> None:
    """Expand the first step in `holder`, then the rest inside what was found."""
    if not steps or not isinstance(holder, dict):
        return
    step, rest = steps[0], steps[1:]
    if holder.get("object") == "list":
        _expand_in_list(world, holder, step, rest, path)
        return
    annotation = fields_of(cls).get(step) if cls else None
    if annotation is None:
        raise _cannot(path)
    _fill(world, holder, step, annotation, path, last=not rest)
    inner = holder.get(step)
    _expand(world, inner, rest, path, _class(inner) or _nested(annotation))


def _expand_in_list(world: World, holder: Thing, step: str, rest: list[str], path: str) -> None:
    if step != "data":
        raise _cannot(path)
    for i, each in enumerate(holder["data"]):
        holder["data"][i] = each = copy.deepcopy(each)
        _expand(world, each, rest, path, _class(each))


def _fill(world: World, holder: Thing, step: str, annotation: Any, path: str, last: bool) -> None:
    include = INCLUDED.get((holder.get("object", ""), step))
    value = holder.get(step)
    if include:
        if value is None:
            holder[step] = copy.deepcopy(include(world, holder))
    elif is_expandable(annotation):
        if isinstance(value, str):
            holder[step] = _look_up(world, value)
    elif last and (holder.get("object"), step) not in ONLY_WHEN_ASKED and not _is_inlined(annotation):
        raise _cannot(path)


def _is_inlined(annotation: Any) -> bool:
    """Objects that Stripe always includes may be named in `expand` without effect."""
    kind = without_none(annotation)
    return isinstance(kind, (str, ForwardRef)) or get_origin(kind) is ListObject


def _nested(annotation: Any) -> type | None:
    kind = without_none(annotation)
    kind = get_args(kind)[0] if get_origin(kind) is list else kind
    return kind if isinstance(kind, type) and issubclass(kind, StripeObject) else None


def _look_up(world: World, id: str) -> Any:
    for things in world.things.values():
        if id in things:
            return copy.deepcopy(things[id])
    return id


def _cannot(path: str) -> Exception:
    return malformed(f"This property cannot be expanded ({path}).", "expand")
