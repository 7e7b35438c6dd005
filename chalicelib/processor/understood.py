"""Reading Stripe's objects without guessing: what cannot be read is NotUnderstood, never half a fact. Pure."""

from __future__ import annotations

import functools
import traceback
import typing
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec

from chalicelib.errors import NotUnderstood

P = ParamSpec("P")
T = TypeVar("T")

# What a missing field, a null in place of a hash, or a text in place of a number ends in.
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, msgspec.ValidationError)


def understood(read: Callable[P, T]) -> Callable[P, T]:
    """
    Make sure that `read` gives what its annotation says, or raises NotUnderstood.

    Structs do not check what they are built from, so the result is checked as
    a whole: an amount that is null must not reach the ledger. Says where it
    happened and never with what, for that may be a person's.
    """

    @functools.wraps(read)
    def reading(*given: P.args, **named: P.kwargs) -> T:
        try:
            return typing.cast("T", _checked(read(*given, **named), _gives(read)))
        except UNREADABLE as fault:
            where = _where(fault)
            raise NotUnderstood(f"Stripe's answer could not be read: {where}.", where=where) from None

    return reading


@functools.cache
def _gives(read: Callable[..., object]) -> typing.Any:
    return typing.get_type_hints(read)["return"]


def _checked(result: object, kind: typing.Any) -> object:
    return msgspec.convert(msgspec.to_builtins(result), kind)


def _where(fault: BaseException) -> str:
    """The line that could not go on, and the field where that is known: names of fields are nobody's secret."""
    frame = traceback.extract_tb(fault.__traceback__)[-1]
    field = fault.args[0] if isinstance(fault, KeyError) else str(fault).partition(" - at ")[2]
    return f"{Path(frame.filename).name}:{frame.lineno} {type(fault).__name__} {field}".rstrip()
