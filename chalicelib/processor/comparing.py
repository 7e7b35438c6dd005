"""The facts of one charge beside what moved in Stripe's balance. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chalicelib.giving.gift import SIGN, Fact
from chalicelib.processor import movements
from chalicelib.processor.movements import Movement, Name


def name(fact: Fact) -> Name:
    """What a fact and its movement have in common."""
    return fact.kind, fact.stripe_id


def missing(facts: Iterable[Fact], moved: Mapping[Name, Movement]) -> list[Name]:
    """The movements that do not stand in the books at all."""
    stand = {name(fact) for fact in facts}
    return [each for each in moved if each not in stand]


def unequal(facts: Iterable[Fact], moved: Mapping[Name, Movement]) -> dict[Name, str]:
    """The movements of another amount than their facts, or of one that is not to be trusted, each with why."""
    stand = {name(fact): fact.money for fact in facts}
    differ = [each for each, money in stand.items() if each in moved and money != moved[each].money]
    doubtful = {each: movement.doubt for each, movement in moved.items() if movement.doubt}
    return dict.fromkeys(differ, movements.ANOTHER_AMOUNT) | doubtful


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


def in_words(lacking: Iterable[Name], too_many: Iterable[Name], unlike: Mapping[Name, str]) -> str:
    """What is wrong with a charge, by the ids of Stripe's objects; an empty text if nothing is."""
    said = [f"not in the books: {kind} {stripe_id}" for kind, stripe_id in sorted(lacking)]
    said += [f"not at Stripe: {kind} {stripe_id}" for kind, stripe_id in sorted(too_many)]
    said += [f"{why}: {kind} {stripe_id}" for (kind, stripe_id), why in sorted(unlike.items())]
    return ", ".join(said)
