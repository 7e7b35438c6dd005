"""What staff mistype in a gift's metadata costs that field alone, and somebody hears of it."""

from __future__ import annotations

import msgspec
import pytest

from chalicelib.giving.gift import About
from chalicelib.processor import said, settle
from tests.giving_world import World
from tests.processor.test_vocabulary import counted

WHOLE = About(
    "g" * 32, "monthly", "rescue", "newsletter", "in_memory", "Rosa", "with love", 1_80, gift_aid=True, advantage=60_00,
    advantage_description="Dinner",
)  # fmt: skip
WRONG = {"frequency": "weekly", "fees_covered": "1.80", "gift_aid": "perhaps", "advantage": "$60"}


def test_what_travels_comes_back() -> None:
    """The ledger can be rebuilt from Stripe alone."""
    assert said.read(said.written(WHOLE)) == WHOLE
    assert said.unreadable(said.written(WHOLE)) == []


@pytest.mark.parametrize("field", WRONG)
def test_only_the_field_that_cannot_be_read_is_left_out(field: str) -> None:
    """Fund, source and tribute of a gift do not hang on how a value was typed."""
    spoiled = {**said.written(WHOLE), field: WRONG[field]}
    plain = next(each.default for each in msgspec.structs.fields(About) if each.name == field)

    assert said.read(spoiled) == msgspec.structs.replace(WHOLE, **{field: plain})
    assert said.unreadable(spoiled) == [field]


@pytest.mark.parametrize("value", ["-1", "", "sixty", "1e9", "60.00", "6,000", "٦٠٠٠"])
def test_a_value_is_a_whole_number_of_minor_units(value: str) -> None:
    """Anything else could be read in two ways, and would end on a tax document."""
    assert said.unreadable({"gift_id": "g", "advantage": value}) == ["advantage"]


def test_another_product_s_metadata_is_not_looked_at() -> None:
    """It may use the same words for something else."""
    assert said.read({"advantage": "$60"}) is None
    assert said.unreadable({"advantage": "$60"}) == []


def test_a_mistyped_value_keeps_the_fund_and_is_told_to_staff(giving: World, caplog: pytest.LogCaptureFixture) -> None:
    """Named by its field, never by what stands there."""
    giving.standin.set_webhooks("drop")
    giving.pay(giving.start(50_00, fund="rescue", source="newsletter"))
    wrong = {"advantage": "about $60"}
    giving.standin.read(lambda world: [each["metadata"].update(wrong) for each in world.all("payment_intent")])
    [charge] = giving.standin.read(lambda world: world.all("charge"))
    settle.charge(charge["id"])

    about = giving.gifts()[0].about
    assert (about.fund, about.source, about.advantage) == ("rescue", "newsletter", 0)
    assert ("payment_intent.metadata.advantage", "?") in {
        (each["field"], each["value"]) for each in counted(caplog, "stripe_value_unknown")
    }
    assert "$60" not in caplog.text
