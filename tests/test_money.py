"""Money is whole minor units of one currency."""

import pytest

from chalicelib.errors import InvalidInput
from chalicelib.money import Money, from_typed, in_words, step


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("25", "usd", 25_00), ("25.5", "usd", 25_50), (" 25.50 ", "usd", 25_50), ("500", "jpy", 500), ("1.234", "kwd", 1234)],
)
def test_what_people_type_is_read_in_the_currency_s_own_decimals(text: str, currency: str, minor: int) -> None:
    """Yen have no decimals and dinars three."""
    assert from_typed(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [("", "usd"), ("-5", "usd"), ("1e3", "usd"), ("5.001", "usd"), ("5.5", "jpy"), ("５", "usd"), ("5.٥", "usd"), ("1,000", "usd"), ("NaN", "usd"), ("9" * 13, "usd"), (".5", "usd")],
)  # fmt: skip
def test_anything_doubtful_is_refused_and_not_rounded(text: str, currency: str) -> None:
    """A fraction of a cent, a full-width digit, a sign, a comma: ask again rather than guess."""
    with pytest.raises(InvalidInput) as refused:
        from_typed(text, currency)

    assert refused.value.field == "amount"


def test_two_currencies_are_never_added_or_compared() -> None:
    """Ten euros and ten dollars are not twenty of anything."""
    for wrong in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b):
        with pytest.raises(TypeError):
            wrong(Money(1, "usd"), Money(1, "eur"))


@pytest.mark.parametrize(("money", "words"), [(Money(10_50, "usd"), "$10.50"), (Money(500, "jpy"), "¥500"), (Money(1234, "kwd"), "KWD1.234")])
def test_amounts_are_written_as_the_currency_has_it(money: Money, words: str) -> None:
    """Never ¥5.00 for five hundred yen."""
    assert in_words(money).replace("\xa0", " ") == words


def test_what_cards_can_pay_is_coarser_than_some_currencies() -> None:
    """Tens of fils, whole crowns though they have two decimals; of all others every minor unit."""
    assert [step(each) for each in ("usd", "jpy", "kwd", "tnd", "isk", "ugx")] == [1, 1, 10, 10, 100, 100]
