"""One gift id, one payment page, one payment."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs

import msgspec
import pytest

from chalicelib import charity
from chalicelib.errors import Conflict, InvalidInput, NotFound, ProcessorUnsure
from chalicelib.giving import checkout
from chalicelib.money import Money
from tests.giving_world import World
from tests.over_http import Site


def test_the_same_gift_asked_for_again_has_the_same_page(giving: World) -> None:
    """A double click, a lost answer and the back button start no second gift."""
    wish = checkout.checked(checkout.GiftRequest(secrets.token_hex(16), 50_00, "usd", "once"))

    pages = {checkout.start(wish).checkout_url for _ in range(3)}

    assert len(pages) == 1
    assert len(giving.standin.read(lambda world: world.all("checkout.session"))) == 1


def test_the_same_id_for_another_gift_is_a_conflict(giving: World) -> None:
    """An id names one wish; a changed one needs a new id."""
    gift_id = giving.start(50_00)

    with pytest.raises(Conflict) as refused:
        giving.start(60_00, gift_id=gift_id)

    assert refused.value.code == "gift_id_taken"


def test_a_lost_answer_leads_to_the_page_that_was_made(giving: World) -> None:
    """Stripe did it and the answer was lost: the same key finds that very page, and no second one is made."""
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", timeout=True, take_effect=True, times=1)

    gift_id = giving.start()

    pages = giving.standin.read(lambda world: [page["id"] for page in world.all("checkout.session")])
    assert pages == [giving.session_of(gift_id)]


def test_an_answer_that_never_comes_is_unknown_and_not_a_failure(giving: World) -> None:
    """The gift stays started, and the donor may try again."""
    giving.standin.fail(method="POST", path="/v1/checkout/sessions", status=500, take_effect=False, times=2)
    gift_id = secrets.token_hex(16)

    with pytest.raises(ProcessorUnsure):
        giving.start(gift_id=gift_id)

    assert checkout.progress_of(gift_id).state == "started"


def test_a_page_that_has_run_out_is_replaced(giving: World) -> None:
    """After a day the page is dead and Stripe's key forgotten: the same gift gets a new page."""
    gift_id = giving.start()
    first = giving.session_of(gift_id)
    giving.advance(hours=25)
    assert checkout.progress_of(gift_id).state == "failed"

    giving.start(gift_id=gift_id)

    assert giving.session_of(gift_id) != first
    assert checkout.progress_of(gift_id).state == "started"


def test_a_paid_gift_leads_to_its_thanks_and_never_to_a_second_page(giving: World) -> None:
    """The back button after paying must not take the money twice."""
    gift_id = giving.give()
    wish = checkout.checked(checkout.GiftRequest(gift_id, 50_00, "usd", "once"))

    assert checkout.start(wish).checkout_url == checkout.thank_you_url(gift_id)


def test_what_the_donor_said_travels_with_the_payment(giving: World) -> None:
    """The ledger can be rebuilt from Stripe alone."""
    tribute = checkout.Tribute("in_memory", "Rosa", "Always")
    giving.give(50_00, fund="rescue", tribute=tribute, source={"story": "guatemala", "utm_campaign": "spring"})

    about = giving.gifts()[0].about

    assert (about.fund, about.tribute_kind, about.tribute_name, about.tribute_note) == (
        "rescue", "in_memory", "Rosa", "Always",
    )  # fmt: skip
    assert about.source == "story=guatemala&utm_campaign=spring"


@pytest.mark.parametrize(("currency", "asked"), [("cad", "required"), ("usd", None)])
@pytest.mark.parametrize("frequency", ["once", "monthly"])
def test_an_address_is_asked_for_where_the_country_wants_one(
    giving: World, currency: str, asked: str | None, frequency: str
) -> None:
    """Canada's official receipt cannot do without; nobody else is asked for more than the card needs."""
    page = giving.session_of(giving.start(50_00, currency, frequency))

    assert giving.standin.read(lambda world: world.find("checkout.session", page))["billing_address_collection"] == asked


def test_covered_fees_leave_the_charity_the_whole_gift(giving: World) -> None:
    """The fee is charged on the grossed-up amount; rounding is in favour of the gift."""
    total = charity.current().with_fee(Money(50_00, "usd")).minor

    assert total == 51_81
    assert total - round(total * 0.029) - 30 >= 50_00


@pytest.mark.parametrize("cover_fees", [False, True])
def test_every_amount_that_is_suggested_can_be_paid(giving: World, cover_fees: bool) -> None:
    """With the fee, too: of dinars cards pay tens of fils."""
    for code, terms in charity.current().currencies.items():
        for amount in {*terms.suggested_once, *terms.suggested_monthly}:
            giving.start(amount, code, cover_fees=cover_fees)


def test_of_where_a_donor_came_from_is_kept_what_stripe_can_keep(giving: World) -> None:
    """Whole entries; a gift does not fail over the name of a campaign."""
    giving.start(source={"utm_source": "mail", "utm_campaign": "я" * 60, "utm_content": "я" * 60, "utm_term": "x"})

    page = giving.standin.read(lambda world: world.all("checkout.session"))[0]
    assert parse_qs(page["metadata"]["source"]) == {"utm_source": ["mail"], "utm_campaign": ["я" * 60]}


def test_a_card_number_goes_nowhere_not_even_in_a_campaign(site: Site) -> None:
    """Whatever part of the wish it stands in."""
    for source in ("4242424242424242", {"utm_term": "4242 4242 4242 4242"}, {"4242424242424242": "x"}):
        answer = site.post("/gifts", {"gift_id": "a" * 32, "amount": 50_00, "currency": "usd", "frequency": "once", "source": source})
        assert (answer.status, answer.json["error"]["code"], answer.json["error"]["field"]) == (400, "card_number", "source")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount": 4_99}, "amount_too_small", "amount"),
        ({"amount": 2_500_001}, "amount_too_large", "amount"),
        ({"currency": "xyz"}, "currency_unknown", "currency"),
        ({"currency": "kwd", "amount": 25_375}, "amount_invalid", "amount"),
        ({"fund": "yacht"}, "fund_unknown", "fund"),
        ({"email": "ann@"}, "email_invalid", "email"),
        ({"name": "Ann\nLee"}, "text_invalid", "name"),
    ],
)
def test_what_cannot_be_given_is_refused_by_name(aws_local: object, change: dict[str, object], code: str, field: str) -> None:
    """The error says which field and why, and nothing has been written or asked."""
    wish = msgspec.structs.replace(checkout.GiftRequest("a" * 32, 50_00, "usd", "once"), **change)

    with pytest.raises(InvalidInput) as refused:
        checkout.checked(wish)

    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(("amount", "currency"), [(500, "jpy"), (2_000, "kwd")])
def test_zero_and_three_decimal_currencies_reach_stripe_unchanged(giving: World, amount: int, currency: str) -> None:
    """500 yen are 500 minor units, two dinars 2,000."""
    gift_id = giving.start(amount, currency)

    page = giving.standin.read(lambda world: world.all("checkout.session"))[0]

    assert (page["amount_total"], page["currency"], page["client_reference_id"]) == (amount, currency, gift_id)


def test_an_unknown_gift_is_not_found(aws_local: object) -> None:
    """Nobody learns anything from guessing ids."""
    with pytest.raises(NotFound):
        checkout.progress_of("b" * 32)
