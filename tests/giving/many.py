"""A donor with many gifts, written straight into the tables: a transaction for each would take moto an hour."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from chalicelib import aws, items, keys
from chalicelib.giving.gift import About, Fact, Frequency, Payment
from chalicelib.money import Money
from local.cloud import REGION

FIRST = datetime(2016, 1, 1, 18, tzinfo=UTC)
DAYS = 3_650
BATCH = 25


def paid(number: int, at: datetime = FIRST, minor: int = 50_00, currency: str = "usd", **about: Any) -> Fact:
    """The payment of gift `number`."""
    charge = f"ch_{number:06d}"
    said = About(f"{number:032x}", **{"fund": "rescue", **about})
    return Fact("payment", charge, charge, at, at, Money(minor, currency), payment=Payment(said, "us", at.date()))


def later(payment: Fact, kind: Any, minor: int, days: int = 1, name: str = "") -> Fact:
    """What befell a gift some days after."""
    about = Money(minor, payment.money.currency)
    name = name or f"{kind}_{payment.charge_id}"
    return Fact(kind, name, payment.charge_id, payment.gift_at, payment.gift_at + timedelta(days=days), about)


def decade(gifts: int) -> Iterator[Fact]:
    """So many gifts over ten years; every tenth monthly, every fiftieth refunded in part, every hundredth in yen."""
    for number in range(gifts):
        at = FIRST + timedelta(days=DAYS * number / gifts)
        frequency: Frequency = "monthly" if number % 10 == 0 else "once"
        currency = "jpy" if number % 100 == 0 else "usd"
        payment = paid(number, at.replace(microsecond=0), 1000 + number, currency, frequency=frequency)
        yield payment
        if number % 50 == 0:
            yield later(payment, "refund", 100)


def write(donor_id: str, facts: Iterable[Fact]) -> None:
    """Put the facts where the ledger would, each with its change of the year."""
    facts = list(facts)
    years = Counter(keys.year(fact.gift_at) for fact in facts)
    written = [
        items.as_item(keys.donor(donor_id, keys.fact(fact.gift_at, fact.charge_id, fact.kind, fact.stripe_id)), fact)
        for fact in facts
    ]
    written += [{**keys.donor(donor_id, year), "changes": changes} for year, changes in years.items()]
    for start in range(0, len(written), BATCH):
        puts: Any = [{"PutRequest": {"Item": items.marshal(item)}} for item in written[start : start + BATCH]]
        assert not aws.dynamodb().batch_write_item(RequestItems={items.giving(): puts})["UnprocessedItems"]


def held(donor_id: str) -> dict[Any, Any]:
    """Everything under a donor, as moto holds it; nothing where the tables are elsewhere."""
    tables = _moto_s_tables()
    return _copied(tables[items.giving()].items[_name(donor_id)]) if items.giving() in tables else {}


def hold(donor_id: str, kept: dict[Any, Any]) -> None:
    """Let it stand there in this test too: writing it anew takes many seconds."""
    _moto_s_tables()[items.giving()].items[_name(donor_id)] = _copied(kept)


def _copied(partition: dict[Any, Any]) -> dict[Any, Any]:
    """Facts never change, and so are not copied."""
    return {sort: each if keys.FACTS in sort.value else copy.deepcopy(each) for sort, each in partition.items()}


def _name(donor_id: str) -> DynamoType:
    return DynamoType({"S": keys.donor(donor_id)["pk"]})


def _moto_s_tables() -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
