"""Whose giving an address leads to: one person's under every spelling, and never another's."""

from __future__ import annotations

import pytest

from chalicelib import aws
from chalicelib.giving import donors
from tests import mailed
from tests.giving_world import ANN, World
from tests.over_http import Answered, Site

TYPED, ON_THE_WIRE = "bo@bücher.example", "bo@xn--bcher-kva.example"
UNREACHABLE = "bö@example.org"


def seen_by(giving: World, email: str) -> set[int]:
    """The amounts that whoever signs in with this address finds."""
    site = Site()
    site.sign_in(giving, email)
    return {gift["amount"] for gift in site.get("/portal/gifts").json["gifts"]}


@pytest.mark.parametrize(
    ("paid", "asked"),
    [
        (ON_THE_WIRE, TYPED),
        (TYPED, ON_THE_WIRE),
        (TYPED, "Bo@BÜCHER.example"),
        ("vic@straße.example", "vic@xn--strae-oqa.example"),
        ("x@νικος.example", "x@xn--uxachkp.example"),
        ("\u212aim@x.example", "kim@x.example"),
        ("Ann@X.example", "ann@x.example"),
    ],
)
def test_a_donor_signs_in_with_whichever_spelling(giving: World, paid: str, asked: str) -> None:
    """Stripe's page keeps the address as its browser sent it; the portal hears it as a person types it."""
    giving.give(50_00, email=paid)

    assert seen_by(giving, asked) == {50_00}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vic@straße.example", "vic@strasse.example"),
        ("x@νικος.example", "x@νικοσ.example"),
        ("x@faß.example", "x@fass.example"),
    ],
)
def test_two_domains_are_two_donors(giving: World, one: str, other: str) -> None:
    """Else the owner of the one domain would see, and steer, the monthly gift of the other's."""
    giving.give(25_00, "usd", "monthly", email=one)
    giving.give(10_00, email=other)

    assert seen_by(giving, other) == {10_00}
    assert seen_by(giving, one) == {25_00}


@pytest.mark.parametrize(("one", "other"), [("groß@x.example", "gross@x.example"), ("\u017fam@x.example", "sam@x.example")])
def test_two_names_at_one_domain_are_two_donors(giving: World, one: str, other: str) -> None:
    """What is before the @ belongs to that domain: nobody else knows what is the same there."""
    giving.give(25_00, email=one)
    giving.give(10_00, email=other)

    assert donors.id_by_email(one) != donors.id_by_email(other)
    assert seen_by(giving, other) == {10_00}


def test_mail_goes_to_the_domain_as_name_servers_know_it(giving: World) -> None:
    """SES carries ASCII only, in the envelope and in the header."""
    envelopes: list[list[str]] = []
    aws.ses().meta.events.register(
        "provide-client-params.sesv2.SendEmail", lambda params, **_: envelopes.append(params["Destination"]["ToAddresses"]), unique_id="look"
    )
    giving.give(50_00, email=TYPED)
    aws.ses().meta.events.unregister("provide-client-params.sesv2.SendEmail", unique_id="look")

    assert envelopes == [[ON_THE_WIRE]]
    assert [mail.to for mail in giving.mails("Receipt")] == [ON_THE_WIRE]


def test_stripe_is_told_the_domain_as_name_servers_know_it(giving: World, site: Site) -> None:
    """On its payment page, and when the address is changed."""
    gift_id = giving.start(email=TYPED)
    session = giving.standin.read(lambda world: world.find("checkout.session", giving.session_of(gift_id)))
    assert session["customer_details"]["email"] == ON_THE_WIRE

    giving.give(50_00)
    site.sign_in(giving, ANN)
    site.post("/portal/email", {"new_email": TYPED})
    giving.work()
    token = mailed.token(giving.mails("Is this your address")[-1].text)
    assert site.post("/portal/email/confirm", {"token": token}).json["email"] == TYPED
    giving.work()
    assert giving.standin.read(lambda world: [each["email"] for each in world.all("customer")]) == [ON_THE_WIRE]


def test_a_gift_whose_payer_no_mail_can_reach_is_booked(giving: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Stripe took the address; the money must not wait for a mail. Counted, and the address is in no log."""
    giving.give(50_00, email=UNREACHABLE)
    giving.give(25_00, "usd", "monthly", email=UNREACHABLE)
    said = capsys.readouterr()

    assert sorted(gift.money.minor for gift in giving.gifts(UNREACHABLE)) == [25_00, 50_00]
    assert giving.mails() == []
    assert '"mail_not_sendable":[1.0]' in said.out
    assert "bö" not in said.out + said.err and "b\\u00f6" not in said.out + said.err


def everywhere(giving: World, site: Site) -> list[Answered]:
    """Each form that takes an address, sent as JSON."""
    giving.give(50_00)
    site.sign_in(giving, ANN)
    gift = {"gift_id": "a" * 32, "amount": 50_00, "currency": "usd", "frequency": "once", "email": UNREACHABLE}
    return [
        site.post("/gifts", gift),
        site.post("/sign-ups", {"email": UNREACHABLE, "interests": ["stories"]}),
        site.post("/portal/email", {"new_email": UNREACHABLE}),
        site.post("/portal/sign-in", {"email": UNREACHABLE}),
    ]


def test_an_address_that_no_mail_can_reach_is_refused_at_its_field(giving: World, site: Site) -> None:
    """In words that say what to do, before anything is written or charged."""
    met = everywhere(giving, site)

    assert [answer.status for answer in met] == [400] * 4
    assert {answer.json["error"]["code"] for answer in met} == {"email_unreachable"}
    assert [answer.json["error"]["field"] for answer in met] == ["email", "email", "new_email", "email"]


def test_the_refusal_stands_at_the_field_without_javascript_too(giving: World, site: Site) -> None:
    """The form again, as it was typed."""
    page = site.form("/sign-ups", {"email": UNREACHABLE, "interests": "stories"})

    assert page.status == 400
    assert "We cannot send mail to an address with letters such as é or ö before the @." in page.text
    assert f'value="{UNREACHABLE}"' in page.text
