"""Bars by year: true to scale, no year left out, no currency beside another on one scale; and the words beside them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.site import chart, pages
from tests.site.conftest import Tags
from tests.site.samples import gift, happening

WON = "given to us again on 5 March 2026: your bank decided that the payment was right"


def total(year: int, kept: int, currency: str = "usd") -> dict[str, Any]:
    return {"year": year, "currency": currency, "gifts": 1, "kept": kept}


def page(**given: Any) -> str:
    data = {"gifts": [gift()], "next": None, "years": [2026], "funds": {"rescue": "Rescue"}, **given}
    return " ".join(pages.render("portal/gifts.html", **data).split())


def test_bars_are_as_long_as_what_was_kept() -> None:
    """The greatest year has the full length, and half of it half."""
    bars = chart.by_currency([total(2024, 5_000), total(2025, 10_000), total(2026, 0)])[0].bars

    assert [bar.width for bar in bars] == [chart.BAR_PERCENT / 2, chart.BAR_PERCENT, 0]


def test_a_year_without_gifts_is_a_year() -> None:
    """A bar that is missing would make two years look like neighbours."""
    bars = chart.by_currency([total(2026, 1), total(2023, 1)])[0].bars

    assert [(bar.year, bar.gifts, bar.kept) for bar in bars] == [(2023, 1, 1), (2024, 0, 0), (2025, 0, 0), (2026, 1, 1)]


def test_each_currency_has_a_chart_of_its_own() -> None:
    """5,000 yen beside 50 dollars on one scale would say something untrue."""
    charts = chart.by_currency([total(2026, 50_00), total(2026, 5_000, "jpy"), total(2025, 1, "jpy")])

    assert [(each.currency, len(each.bars), max(bar.width for bar in each.bars)) for each in charts] == [
        ("jpy", 2, chart.BAR_PERCENT), ("usd", 1, chart.BAR_PERCENT),
    ]  # fmt: skip


@pytest.mark.parametrize("kept", [0, -5_00])
def test_a_year_of_which_nothing_is_kept_has_no_bar(kept: int) -> None:
    """All refunded, or refunded and disputed besides: nothing is divided by it, and no bar goes backwards."""
    assert [bar.width for bar in chart.by_currency([total(2026, kept)])[0].bars] == [0]


def test_the_drawing_says_what_it_shows() -> None:
    """To a screen reader too: a role, a title, a description with every figure, and the same as a table."""
    shown = page(by_year=[total(2025, 40_00), total(2026, 50_00)], year=2026)
    tags = Tags(shown)

    drawing = tags.named("svg")[-1]
    named = {each["id"] for each in tags.named("title", "desc") if "id" in each}
    assert (drawing["role"], {drawing["aria-labelledby"], drawing["aria-describedby"]}) == ("img", named)
    assert "2025: $40.00. 2026: $50.00." in shown
    assert re.search(r'<th scope="row">2025</th><td class="number">1</td><td class="number">\$40.00</td>', shown)
    assert [each["class"] for each in tags.named("rect") if "bar" in each.get("class", "")] == ["bar", "bar picked"]


@pytest.mark.parametrize(("changed", "words"), [
    ({"kept": 3000, "refunded": 2000, "happened": [happening("refund", 2000)]}, ["$30.00 kept", "$20.00 refunded on 5 March 2026"]),
    ({"kept": 0, "refunded": 5000, "state": "refunded", "happened": [happening("refund")]}, ["Refunded in full"]),
    ({"happened": [happening("refund"), happening("refund_failed")]}, ["A refund of $50.00 failed on 5 March 2026: your bank could not take it"]),
    ({"kept": 0, "state": "disputed", "happened": [happening("dispute")]}, ["your bank has not decided yet", "$50.00 taken back by your bank on"]),
    ({"happened": [happening("dispute"), happening("dispute_won")]}, [f"$50.00 {WON}"]),
    ({"kept": 0, "state": "refunded", "happened": [happening("dispute"), happening("dispute_lost", on=None)]},
     ["Taken back by your bank", "decided the dispute for you: the $50.00 stays with you"]),
])  # fmt: skip
def test_what_befell_a_gift_is_said_in_a_donor_s_words(changed: dict[str, Any], words: list[str]) -> None:
    """With amount and day; "refunded" is never said of money that a bank took."""
    shown = page(gifts=[gift(**changed)])

    assert [each for each in words if each not in shown] == []
    assert ("Refunded in full" in shown) == (changed.get("refunded") == 5000)


def test_a_page_that_looked_as_far_as_it_may_says_so() -> None:
    """A donor who sees an empty page with a way on must know that it is no answer yet."""
    shown = page(gifts=[], next="FACT#2020", sparse=True, fund="rescue", year=2026)

    assert "We look through about a thousand gifts at a time" in shown
    assert 'href="/portal/gifts?year=2026&amp;fund=rescue&amp;cursor=FACT%232020"' in shown
    assert "No gifts" not in shown


def test_the_way_on_and_the_file_keep_the_filter() -> None:
    """What was asked for goes along with every link."""
    totals = [{"currency": "usd", "kept": 1}]
    shown = page(next="FACT#2020", year=2026, fund="rescue", frequency="monthly", totals=totals)

    asked = "year=2026&amp;fund=rescue&amp;frequency=monthly"
    assert f"/portal/gifts?{asked}&amp;cursor=FACT%232020" in shown
    assert f"/portal/gifts.csv?{asked}" in shown
    assert [each["value"] for each in Tags(shown).named("option") if "selected" in each] == ["2026", "rescue", "monthly"]
