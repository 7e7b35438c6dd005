"""What moto is spared, its answers do not tell."""

from __future__ import annotations

from typing import Any

import pytest
from moto.core import responses
from moto.core.serialize import BaseJSONSerializer
from moto.core.utils import method_names_from_class

from chalicelib import aws, settings
from local import quick_moto
from local.cloud import Cloud

EVERY_KIND: dict[str, Any] = {
    "pk": {"S": "KINDS"}, "sk": {"S": "é ✓"}, "n": {"N": "12.50"}, "yes": {"BOOL": True}, "no": {"BOOL": False},
    "nothing": {"NULL": True}, "empty": {"S": ""}, "bytes": {"B": b"\x00\xff"}, "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]}, "blobs": {"BS": [b"\x01"]}, "none": {"L": []}, "bare": {"M": {}},
    "S": {"M": {"S": {"S": "s"}, "N": {"L": [{"N": "1"}, {"B": b"\x02"}, {"M": {"B": {"BOOL": True}}}]}}},
}  # fmt: skip


def test_every_kind_of_value_is_answered_as_moto_itself_answers(aws_local: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The short way is moto's own way, only shorter.
    """
    table = settings.current().giving_table

    def answered() -> list[Any]:
        got = aws.dynamodb().get_item(TableName=table, Key={"pk": EVERY_KIND["pk"], "sk": EVERY_KIND["sk"]})
        with pytest.raises(aws.dynamodb().exceptions.ConditionalCheckFailedException) as refused:
            aws.dynamodb().put_item(
                TableName=table,
                Item=EVERY_KIND,
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        return [got["Item"], refused.value.response["Item"]]

    aws.dynamodb().put_item(TableName=table, Item=EVERY_KIND)
    quick = answered()
    assert BaseJSONSerializer._serialize_type_structure is quick_moto._structure
    monkeypatch.setattr(BaseJSONSerializer, "_serialize_type_structure", quick_moto._every_member)
    monkeypatch.setattr(responses, "method_names_from_class", method_names_from_class)
    assert quick == answered() == [EVERY_KIND, EVERY_KIND]
