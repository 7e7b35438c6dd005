"""moto, spared two things that it works out anew at every call: more than half of what a call to DynamoDB takes."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.model import StructureShape
from moto.core import responses
from moto.core.serialize import BaseJSONSerializer

# What holds no other value. Bytes are not among them: moto writes those in base64.
SIMPLE = frozenset({"S", "N", "BOOL", "NULL"})


def spare() -> None:
    """Its answers stay the same to the letter, which a test holds. Once for a process; more often changes nothing."""
    responses.method_names_from_class = _method_names
    BaseJSONSerializer._serialize_type_structure = _structure  # type: ignore[method-assign]


_method_names = cache(responses.method_names_from_class)
_every_member = BaseJSONSerializer._serialize_type_structure


def _structure(self: BaseJSONSerializer, serialized: Any, value: Any, shape: StructureShape, key: str) -> None:
    """`{"S": "Ann"}` is written already. moto would look in it for each of ten kinds, under six spellings each."""
    if shape.name == "AttributeValue" and type(value) is dict and len(value) == 1 and SIMPLE.issuperset(value):
        self._default_serialize(serialized, value, shape, key)
    else:
        _every_member(self, serialized, value, shape, key)
