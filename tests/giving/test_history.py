"""Giving history: every gift once, sums that are never old, and the same work for each page at any number of gifts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from chalicelib import aws, items, keys
from chalicelib.errors import InvalidInput
from chalicelib.giving import history, ledger, spreadsheet
from chalicelib.giving.gift import Fact
from chalicelib.giving.history import GiftList
from chalicelib.giving.sums import Total
from local.cloud import Cloud
from tests.giving import many
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.test_cost import counted

YEARS_2016_TO_2025 = list(range(2025, 2015, -1))


@pytest.fixture(autouse=True)
def tables(aws_local: Cloud) -> None:
    """Every test here has fresh ones."""


def pages(donor_id: str, **asked: str) -> Iterator[GiftList]:
    cursor = ""
    while True:
        found = history.page((donor_id,), cursor=cursor, **asked)
        yield found
        if found.next is None:
            return
        assert not cursor or found.next < cursor, "a page must get ahead"
        cursor = found.next


def calls_of(donor_id: str, **asked: str) -> tuple[list[str], GiftList]:
    with counted() as calls:
        found = history.page((donor_id,), **asked)
    return calls, found


def stands(fact: Fact) -> None:
    ledger.record("d1", [fact])


@pytest.fixture(scope="module")
def kept() -> dict[Any, Any]:
    """What 10,000 gifts look like in moto's table, so that they are written once."""
    return {}


@pytest.fixture
def facts_of_10_000(tables: None, kept: dict[Any, Any]) -> list[Fact]:
    """The donor `many` has ten thousand gifts, and has looked at them before. The facts of all."""
    facts = list(many.decade(10_000))
    if kept:
        many.hold("many", kept)
    else:
        many.write("many", facts)
        history.page(("many",))
        kept.update(many.held("many"))
    return facts


@pytest.mark.slow
def test_a_page_asks_as_much_of_aws_at_10_000_gifts_as_at_100(facts_of_10_000: list[Fact]) -> None:
    """The first page, the second, one from deep inside, a year, a rare kind: two reads or the bounded few, never by the number."""
    many.write("few", many.decade(100))
    history.page(("few",))
    deep = keys.FACTS + "2021-06-01"
    asked: list[dict[str, str]] = [{}, {"cursor": deep}, {"year": "2021"}, {"year": "2021", "cursor": deep}, {"fund": "rescue"}]

    of_few, of_many = ([calls_of(donor_id, **each)[0] for each in asked] for donor_id in ("few", "many"))

    assert of_few == of_many == [["Query", "Query"]] * len(asked)
    calls, found = calls_of("many", frequency="monthly")
    assert (len(calls), len(found.gifts)) == (1 + 2, history.PAGE)
    calls, found = calls_of("many", fund="aftercare")
    assert (len(calls), found.gifts, found.next is None) == (1 + ledger.READS, [], False)


@pytest.mark.slow
def test_after_one_more_gift_only_its_year_is_added_up_anew(facts_of_10_000: list[Fact]) -> None:
    """A donor with ten thousand gifts does not wait for all of them each time one comes."""
    before = {total.currency: total.kept for total in history.page(("many",)).totals}
    at = many.FIRST + timedelta(days=many.DAYS - 30, hours=1)
    ledger.record("many", [many.paid(99_999, at, 7_00)])

    calls, found = calls_of("many")

    assert calls == ["Query", "Query", "UpdateItem", "Query"]  # the years, the facts of the one, its sum, the page
    assert {total.currency: total.kept for total in found.totals} == {**before, "usd": before["usd"] + 7_00}
    assert calls_of("many")[0] == ["Query", "Query"]


@pytest.mark.slow
def test_sums_of_10_000_gifts_agree_with_adding_up_by_hand(facts_of_10_000: list[Fact]) -> None:
    """Per currency, per year, per kind; computed here from the facts alone, without a gift."""
    by_hand: Counter[tuple[str, int]] = Counter()
    for fact in facts_of_10_000:
        by_hand[fact.money.currency, fact.gift_at.year] += fact.money.minor * (1 if fact.kind == "payment" else -1)

    found = history.page(("many",))

    assert {(each.currency, each.year): each.kept for each in found.by_year} == by_hand
    assert found.years == YEARS_2016_TO_2025
    assert [total.currency for total in found.totals] == ["jpy", "usd"]
    assert sum(each.gifts for each in found.by_year) == 10_000
    for total in found.totals:
        assert total.kept == sum(kept for (currency, _), kept in by_hand.items() if currency == total.currency)


@pytest.mark.parametrize(("asked", "expected"), [
    ({}, 60), ({"frequency": "monthly"}, 6), ({"frequency": "once"}, 54), ({"fund": "aftercare"}, 0), ({"fund": "rescue"}, 60),
    ({"year": "2017"}, 6), ({"year": "2017", "frequency": "monthly", "fund": "rescue"}, 1),
])  # fmt: skip
def test_page_after_page_gives_each_gift_asked_for_once(asked: dict[str, str], expected: int) -> None:
    """And the totals stand for all of the pages, not for the one in view."""
    many.write("d1", many.decade(60))

    shown = [gift for found in pages("d1", **asked) for gift in found.gifts]

    assert len(shown) == len({gift.gift_id for gift in shown}) == expected
    assert [gift.given_at for gift in shown] == sorted((gift.given_at for gift in shown), reverse=True)
    kept: Counter[str] = Counter()
    for gift in shown:
        kept[gift.currency] += gift.kept
    assert {total.currency: total.kept for total in history.page(("d1",), **asked).totals} == kept


@pytest.mark.slow
def test_a_rare_gift_is_found_in_pages_that_end() -> None:
    """A page that looked as far as one may says that there is more, shows none twice, and comes to an end."""
    facts = [*many.decade(2_100), many.paid(9_999, many.FIRST, fund="aftercare")]
    many.write("d1", facts)

    found = list(pages("d1", fund="aftercare"))

    assert [len(each.gifts) for each in found] == [0, 0, 1]
    assert found[0].totals == [Total("usd", 50_00)]


def test_a_gift_with_more_refunds_than_one_read_holds_is_shown_with_all_of_them() -> None:
    """Where the reading stops in the middle of a gift, the next page begins with that gift, whole."""
    first, last = many.paid(1), many.paid(2, many.FIRST + timedelta(days=1))
    refunds = [many.later(first, "refund", 1, name=f"re_{number:04d}") for number in range(ledger.FACTS_PER_GIFT - 1)]
    filler = [many.paid(100 + each, many.FIRST + timedelta(hours=1, minutes=each), fund="aftercare") for each in range(500)]
    many.write("d1", [first, last, *refunds, *filler])

    shown = [gift for found in pages("d1", fund="rescue") for gift in found.gifts]

    assert [(gift.gift_id, gift.refunded) for gift in shown] == [(f"{2:032x}", 0), (f"{1:032x}", len(refunds))]


def test_a_sum_is_never_older_than_the_facts() -> None:
    """Every kind of fact, in whatever order, shows in the totals of the very next view."""
    payment = many.paid(1, minor=50_00)
    steps = [
        (payment, 50_00, 0, 0),
        (many.later(payment, "refund", 20_00, 1), 30_00, 20_00, 0),
        (many.later(payment, "refund_failed", 20_00, 2, "refund_ch_000001"), 50_00, 0, 0),
        (many.later(payment, "dispute", 50_00, 3), 0, 0, 50_00),
        (many.later(payment, "dispute_won", 50_00, 4, "dispute_ch_000001"), 50_00, 0, 0),
    ]
    for fact, *expected in steps:
        stands(fact)
        assert history.page(("d1",)).totals == [Total("usd", *expected)], fact.kind


def test_a_refund_known_before_its_payment_is_no_sum_and_then_one() -> None:
    """Facts come in any order; a year with nothing but a refund has no gifts yet."""
    payment = many.paid(1)
    stands(many.later(payment, "refund", 20_00))
    assert (history.page(("d1",)).totals, history.page(("d1",)).years) == ([], [])

    stands(payment)

    assert history.page(("d1",)).totals == [Total("usd", 30_00, 20_00)]


def test_a_fact_told_twice_changes_no_sum_and_has_nothing_read_again() -> None:
    """Stripe delivers at least once; a fact that is there already leaves its year as it is."""
    stands(many.paid(1))
    history.page(("d1",))
    stands(many.paid(1))

    calls, found = calls_of("d1")

    assert (calls, found.totals) == (["Query", "Query"], [Total("usd", 50_00)])


@contextmanager
def before_the_fold_is_kept(do: Callable[[], object]) -> Iterator[None]:
    """Something happens between the reading of a year and the keeping of its sum."""
    waiting = [do]

    def overtake(**_: Any) -> None:
        while waiting:
            waiting.pop()()

    events = aws.dynamodb().meta.events
    events.register("before-call.dynamodb.UpdateItem", overtake)
    yield
    events.unregister("before-call.dynamodb.UpdateItem", overtake)
    assert not waiting


def test_a_fold_that_a_fact_overtook_is_not_taken_for_new() -> None:
    """
    A page adds up the year, a refund comes, the page keeps its sum: the refund must not be lost to every later view.
    """
    payment = many.paid(1)
    stands(payment)
    with before_the_fold_is_kept(lambda: stands(many.later(payment, "refund", 20_00))):
        assert history.page(("d1",)).totals == [Total("usd", 50_00)]

    assert history.page(("d1",)).totals == [Total("usd", 30_00, 20_00)]


def test_keeping_a_fold_brings_nothing_back() -> None:
    """A donor's items may be taken away while a page of theirs is read."""
    stands(many.paid(1))
    year = keys.donor("d1", "YEAR#2016")
    with before_the_fold_is_kept(lambda: items.delete(items.giving(), year)):
        history.page(("d1",))

    assert items.get(items.giving(), year) is None


def test_the_year_is_that_of_the_taker_s_zone() -> None:
    """New Year's Eve in New York is already the next year in UTC, under which the fact stands."""
    eve = many.paid(1, datetime.fromisoformat("2026-01-01T03:00:00+00:00"))
    assert eve.payment
    stands(Fact(**{**{name: getattr(eve, name) for name in eve.__struct_fields__},
                   "payment": many.Payment(eve.payment.about, "us", date(2025, 12, 31))}))  # fmt: skip

    assert [len(history.page(("d1",), year).gifts) for year in ("2025", "2026")] == [1, 0]
    assert history.page(("d1",)).years == [2025]
    assert history.page(("d1",), "2025").totals == [Total("usd", 50_00)]


def test_what_befell_a_gift_is_told_with_amounts_and_days() -> None:
    """In the taker's zone; the day on which a dispute was lost is not known and not made up."""
    payment = many.paid(1)
    for fact in (
        many.later(payment, "dispute", 30_00, 9), many.later(payment, "refund", 20_00, 1),
        many.later(payment, "dispute_lost", 30_00, 9, "dispute_ch_000001"),
        many.later(payment, "refund_failed", 20_00, 2, "refund_ch_000001"), payment,
    ):  # fmt: skip
        stands(fact)

    told = history.page(("d1",)).gifts[0].happened

    assert [(each.kind, each.amount, each.on) for each in told] == [
        ("refund", 20_00, date(2016, 1, 2)), ("refund_failed", 20_00, date(2016, 1, 3)),
        ("dispute", 30_00, date(2016, 1, 10)), ("dispute_lost", 30_00, None),
    ]  # fmt: skip


@pytest.mark.parametrize(("asked", "code"), [
    ({"fund": "yacht"}, "fund_unknown"), ({"frequency": "weekly"}, "frequency_invalid"), ({"year": "1999"}, "year_invalid"),
    ({"year": "020260"}, "year_invalid"), ({"year": "20260"}, "year_invalid"), ({"year": "２０２６"}, "year_invalid"),
    ({"fund": "rescue'"}, "fund_unknown"), ({"frequency": "ONCE"}, "frequency_invalid"),
])  # fmt: skip
def test_what_cannot_be_asked_for_is_refused_by_name(asked: dict[str, str], code: str) -> None:
    """Never taken for "everything": a donor would read the wrong total. Likewise for the file."""
    for look in (history.page, history.table):
        with pytest.raises(InvalidInput) as refused:
            look(("d1",), **asked)
        assert (refused.value.code, refused.value.field) == (code, next(iter(asked)))


def test_a_fund_that_the_charity_closed_can_still_be_asked_for() -> None:
    """What was given for it is part of the donor's history."""
    stands(many.paid(1, fund="flood_2016"))

    found = history.page(("d1",), fund="flood_2016")

    assert (len(found.gifts), found.totals, found.funds["flood_2016"]) == (1, [Total("usd", 50_00)], "flood_2016")


@pytest.mark.slow
def test_a_file_of_10_000_gifts_fits_into_one_answer(facts_of_10_000: list[Fact]) -> None:
    """Lambda answers with at most 6 MB, and a file of a part of the gifts must not pass for all of them."""
    with counted() as calls:
        name, text = history.table(("many",))

    assert (name, len(text.splitlines())) == ("giving.csv", 10_001)
    assert len(json.dumps(text)) < spreadsheet.MOST_BYTES / 2
    assert set(calls) == {"Query"}
    assert len(calls) == 10_200 // items.A_MEGABYTE_OF_FACTS + 1


def test_a_file_that_would_not_fit_is_refused_and_a_year_of_it_is_not() -> None:
    """Each character of another script is six bytes in the answer; a tenth of the gifts still fits."""
    named = {"tribute_kind": "in_memory", "tribute_name": "愛" * 4_000}
    many.write("d1", (many.paid(number, many.FIRST + timedelta(days=12 * number), **named) for number in range(300)))

    with pytest.raises(InvalidInput) as refused:
        history.table(("d1",))

    assert (refused.value.code, refused.value.field) == ("too_many", "year")
    name, text = history.table(("d1",), "2020")
    assert (name, len(text.splitlines())) == ("giving-2020.csv", 1 + 31)


def test_the_year_items_hold_nothing_personal() -> None:
    """Sums by year, currency, fund and frequency, so that erasing a donor's person need not look there."""
    stands(many.paid(1, tribute_name="Rosa", source="story"))
    history.page(("d1",))

    kept = items.get(items.giving(), keys.donor("d1", "YEAR#2016"))

    assert kept
    assert kept.keys() == {"pk", "sk", "changes", "giving"}
    assert [each.keys() for each in kept["giving"]["parts"]] == [{"year", "currency", "fund", "frequency", "gifts", "kept", "refunded", "disputed"}]


def test_a_donor_narrows_the_page_by_a_plain_form(giving: World, site: Site) -> None:
    """A GET whose answer says what it shows; the drawing needs nothing that the page's own policy forbids."""
    giving.give(50_00, fund="rescue")
    giving.give(25_00, "usd", "monthly")
    site.sign_in(giving, ANN)

    answer = site.get("/portal/gifts?year=&fund=&frequency=monthly", accept="text/html")

    shown = " ".join(answer.text.split())
    assert answer.status == 200
    assert "Given, monthly, after refunds and disputes:" in shown
    assert ("<strong>$25.00</strong>" in shown, "$50.00" in shown) == (True, False)
    assert '<option value="monthly" selected>' in shown
    assert '<svg class="bars" role="img"' in shown
    assert " style=" not in shown
    assert "style-src 'self';" in answer.headers["content-security-policy"]
