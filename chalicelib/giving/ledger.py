"""
The ledger: facts, each written once, and gifts folded from them when read.

Nothing here knows in which order, how often or how late Stripe told us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from chalicelib import items, keys, log
from chalicelib.errors import FactsDisagree, TooManyGifts
from chalicelib.giving.gift import Fact, Gift, Payment, fold, fold_all, second_payment_id

S = TypeVar("S")

# The largest page of gifts that one request reads.
PAGE_LIMIT = 50
# Facts of one charge: a payment, its refunds and disputes. Stripe's list of
# refunds of one charge ends far below this.
FACTS_PER_GIFT = 400
# How many times one page reads, and how many facts each time after the first. Together more than any one
# gift has, so that a page always gets ahead, and little enough that looking for a rare gift takes no longer
# than showing many.
READS, FACTS_A_READ = 5, 200


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    Whose a charge is and where its facts stand.

    `unfinished` from the moment the payment is recorded until all that it
    calls for was done once: its receipt above all. A crash in between leaves
    it standing, so that it is seen.
    """

    donor_id: str
    gift_id: str
    charge_id: str
    gift_at: datetime
    unfinished: bool = False


def record(donor_id: str, facts: Iterable[Fact]) -> list[Fact]:
    """
    Write each fact unless it is there already; give back the ones that were new.

    Raises FactsDisagree if a fact of the same name says something else.
    """
    return [fact for fact in facts if _record_one(donor_id, fact)]


def place_of(charge_id: str) -> Place | None:
    """Where the facts of a charge stand, once its payment is recorded."""
    item = items.get(items.giving(), keys.pointer("CHARGE", charge_id))
    return items.as_struct(item, Place) if item else None


def places_of(charge_ids: Iterable[str]) -> dict[str, Place]:
    """Where the facts of many charges stand, in few reads. What cannot be read is left to `place_of`, which says so."""
    pointers = items.get_many(items.giving(), (keys.pointer("CHARGE", each) for each in charge_ids))
    return {place.charge_id: place for place in _readable(pointers, Place)}


def payments_at(places: Iterable[Place]) -> dict[str, list[Fact]]:
    """The payments that stand at many places, in few reads, by charge. What cannot be read is left to `facts_at`."""
    sorts = ((each, keys.fact(each.gift_at, each.charge_id, "payment", each.charge_id)) for each in places)
    found = items.get_many(items.giving(), (keys.donor(each.donor_id, sort) for each, sort in sorts))
    return {fact.charge_id: [fact] for fact in _readable(found, Fact)}


def _readable(found: Iterable[items.Item], kind: type[S]) -> Iterator[S]:
    for item in found:
        with suppress(msgspec.ValidationError):
            yield items.as_struct(item, kind)


def finish(place: Place) -> None:
    """Note that everything that a recorded payment calls for has been done."""
    if place.unfinished:
        items.update(items.giving(), keys.pointer("CHARGE", place.charge_id), "REMOVE unfinished", {}, items.PRESENT)


def forget_tributes(donor_id: str) -> None:
    """Whom a donor's gifts honour, and the words to them, is kept no longer. No sum changes; twice is harmless."""
    for item in items.query_all(items.giving(), keys.donor(donor_id)["pk"], prefix=keys.FACTS):
        if item.get("payment", {}).get("about", {}).get("tribute_kind"):
            items.update(
                items.giving(), keys.donor(donor_id, item["sk"]),
                "REMOVE payment.about.tribute_kind, payment.about.tribute_name, payment.about.tribute_note",
                {}, items.PRESENT,
            )  # fmt: skip


def gift(donor_id: str, gift_id: str) -> Gift | None:
    """One gift of this donor, or None: another donor's gift is not looked at."""
    item = items.get(items.giving(), keys.donor(donor_id, f"GIFT#{gift_id}"))
    if item is None:
        return None
    place = items.as_struct(item, Place)
    return gift_at(place)


def gift_at(place: Place) -> Gift | None:
    """The gift whose facts stand at `place`."""
    return fold(facts_at(place))


def facts_at(place: Place) -> list[Fact]:
    """The facts that stand at `place`."""
    prefix = keys.gift(place.gift_at, place.charge_id) + "#"
    return _facts(place.donor_id, prefix=prefix, most=FACTS_PER_GIFT)


def gifts_between(donor_id: str, first: datetime, last: datetime) -> list[Gift]:
    """
    Every gift of the record that was paid from `first` to `last` (UTC moments, inclusive), newest first.

    Raises TooManyGifts if their facts are more than one request reads.
    """
    start, end = f"{keys.FACTS}{keys.moment(first)}", f"{keys.FACTS}{keys.moment(last)}~"
    try:
        return fold_all(_facts(donor_id, first=start, last=end))
    except OverflowError as fault:
        raise TooManyGifts from fault


def gifts(donor_id: str) -> list[Gift]:
    """Every gift of the donor, newest first."""
    return fold_all(_facts(donor_id, prefix=keys.FACTS))


def page(
    donor_id: str, *, first: str = "", last: str = "", cursor: str = "", limit: int = 20,
    wanted: Callable[[Gift], bool] = lambda _: True,
) -> tuple[list[Gift], str]:  # fmt: skip
    """
    One page of the donor's gifts that are `wanted`, newest first, and the cursor of the next page or "".

    `first` and `last` are sort keys that narrow the range. A gift's facts
    stand together, so a page reads only its own gifts' facts, however many
    the donor has: facts are read until one gift too many shows, or as often
    as one page may read. A page of rare gifts may so hold fewer than `limit`,
    even none, and still have a cursor.
    """
    limit = min(limit, PAGE_LIMIT)
    end = cursor or last or f"{keys.FACTS}~"
    found: list[Fact] = []
    for reading in range(READS):
        read, more = items.query(
            items.giving(), keys.donor(donor_id)["pk"], first=first or keys.FACTS, last=end, backward=True,
            limit=FACTS_A_READ if reading else 2 * limit + 10,
        )  # fmt: skip
        found += [items.as_struct(item, Fact) for item in read]
        gifts = [gift for gift in fold_all(found) if wanted(gift)]
        if len(gifts) > limit:
            return gifts[:limit], before(gifts[limit - 1])
        if not more:
            return gifts, ""
        # The oldest gift read so far may lack facts: go on from where the reading stopped.
        end = _just_before(more)
    return _whole(found, wanted)


def _whole(found: list[Fact], wanted: Callable[[Gift], bool]) -> tuple[list[Gift], str]:
    """The wanted gifts of which all facts were read, and the cursor from which the first that may lack some follows."""
    half = found[-1]
    whole = [fact for fact in found if fact.charge_id != half.charge_id]
    if not whole:
        raise OverflowError(f"more than {len(found)} facts of one gift")
    # `#` sorts before all that can go on a charge's id, `~` after all that can follow it.
    return [gift for gift in fold_all(whole) if wanted(gift)], keys.gift(half.gift_at, half.charge_id) + "#~"


def before(gift: Gift) -> str:
    """The cursor from which the gifts older than this one follow."""
    return _just_before(keys.gift(gift.given_at, gift.charge_id))


def _just_before(sort: str) -> str:
    """The greatest text that sorts before `sort`: BETWEEN includes its ends."""
    return sort[:-1] + chr(ord(sort[-1]) - 1) + "~"


def _record_one(donor_id: str, fact: Fact) -> bool:
    """Whether the fact was new. Its year is marked as changed with it, and a payment brings its pointers along."""
    sort = keys.fact(fact.gift_at, fact.charge_id, fact.kind, fact.stripe_id)
    try:
        if fact.payment is None:
            written = items.put_write(items.giving(), items.as_item(keys.donor(donor_id, sort), fact))
            items.transact([written, _mark(donor_id, fact)])
        else:
            _record_payment(donor_id, sort, fact, fact.payment)
    except items.ConditionFailed:
        _must_agree(donor_id, fact, sort)
        return False
    return True


def _record_payment(donor_id: str, sort: str, fact: Fact, payment: Payment) -> None:
    """
    Write the payment and where it stands, all or nothing. Raises ConditionFailed if it stands already.

    A gift id that another charge has taken means that somebody paid twice.
    Both payments are true, so the later one is kept as a gift with an id of
    its own, and counted: staff should look, and perhaps give it back.
    """
    gift_id = payment.about.gift_id
    place = Place(donor_id, gift_id, fact.charge_id, fact.gift_at)
    begun = msgspec.structs.replace(place, unfinished=True)
    try:
        items.transact(
            [
                items.put_write(items.giving(), items.as_item(keys.donor(donor_id, sort), fact)),
                items.put_write(items.giving(), items.as_item(keys.pointer("CHARGE", fact.charge_id), begun)),
                items.put_write(items.giving(), items.as_item(keys.donor(donor_id, f"GIFT#{gift_id}"), place)),
                _mark(donor_id, fact),
            ]
        )
    except items.ConditionFailed:
        taken = items.get(items.giving(), keys.donor(donor_id, f"GIFT#{gift_id}"))
        if taken is None or taken["charge_id"] == fact.charge_id or place_of(fact.charge_id):
            raise
        log.alarm("gift_paid_twice", charge=fact.charge_id)
        about = msgspec.structs.replace(payment.about, gift_id=second_payment_id(fact.charge_id))
        own = msgspec.structs.replace(payment, about=about)
        _record_payment(donor_id, sort, msgspec.structs.replace(fact, payment=own), own)


def _mark(donor_id: str, fact: Fact) -> Any:
    """One more change of the fact's year: what its facts added up to before holds no longer (years.py)."""
    return items.count_write(items.giving(), keys.donor(donor_id, keys.year(fact.gift_at)), "changes")


def _must_agree(donor_id: str, fact: Fact, sort: str) -> None:
    """
    Read back what stands under the fact's name and compare.

    boto3's own retry may meet the item that its first try wrote, so a failed
    condition alone does not say that somebody else was first.
    """
    stands = items.get(items.giving(), keys.donor(donor_id, sort))
    if stands is None:
        raise FactsDisagree(f"Charge {fact.charge_id} or its gift is already recorded elsewhere.")
    known = items.as_struct(stands, Fact)
    if (known.money, known.charge_id) != (fact.money, fact.charge_id):
        raise FactsDisagree(f"{fact.kind} {fact.stripe_id} is recorded with another amount.")


def _facts(donor_id: str, *, most: int = 20_000, **narrowed: Any) -> list[Fact]:
    found = items.query_all(items.giving(), keys.donor(donor_id)["pk"], most=most, **narrowed)
    return [items.as_struct(item, Fact) for item in found]
