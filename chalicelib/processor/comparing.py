"""The facts of one charge beside what moved in Stripe's balance. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chalicelib.giving.gift import SIGN, Fact
from chalicelib.processor.movements import Movement, Name


def name(fact: Fact) -> Name:
    """What a fact and its movement have in common."""
    return fact.kind, fact.stripe_id


def missing(facts: Iterable[Fact], moved: Mapping[Name, Movement]) -> list[Name]:
    """The movements that do not stand in the books with just their amount."""
    stand = {name(fact): fact.money for fact in facts}
    return [each for each, movement in moved.items() if stand.get(each) != movement.money]


def unbacked(facts: Iterable[Fact], moved: Mapping[Name, Movement], first: float, last: float) -> bool:
    """Whether a fact of the time from `first` to `last` has no movement, though its kind moves something."""
    return any(
        SIGN[fact.kind] and name(fact) not in moved and first <= fact.at.timestamp() <= last
        for fact in facts
    )


def undecided(facts: Iterable[Fact]) -> bool:
    """Whether the books have an open dispute: that it was lost moves nothing, so only asking tells."""
    kinds = {fact.kind for fact in facts}
    return "dispute" in kinds and not kinds & {"dispute_won", "dispute_lost"}


def excess(facts: Iterable[Fact], told: Iterable[Fact]) -> set[Name]:
    """
    The facts that stand in the books while Stripe, which was asked for the whole charge, tells of none such.

    A word that we did not know stays in the books when Stripe has long said another.
    """
    return {name(fact) for fact in facts if fact.kind != "dispute_unclear"} - {name(fact) for fact in told}


def in_words(lacking: Iterable[Name], too_many: Iterable[Name]) -> str:
    """What is wrong with a charge, by the ids of Stripe's objects; an empty text if nothing is."""
    said = [f"not in the books: {kind} {stripe_id}" for kind, stripe_id in sorted(lacking)]
    said += [f"not at Stripe: {kind} {stripe_id}" for kind, stripe_id in sorted(too_many)]
    return ", ".join(said)
