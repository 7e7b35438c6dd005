"""The last mail: each variant lists what stays and nothing else, and no sentence of it denies another."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from chalicelib import clock, items
from chalicelib.gift_aid.asked import DeclarationWithGift
from local.mailbox import Mail
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal.calls import everything
from tests.portal.test_erasure import NAME, STREET

DECLARED = DeclarationWithGift("Ann", "Lee-Moor", "Rose Cottage", "SW1A 1AA", "future", "yes")
NO_NAME, GONE = "Nowhere in them is your name", "Your name, your postal address, your telephone number"
BESIDE, AID, FOR_MAILS, BOOKS = "beside those books", "Gift Aid declarations", "signed up with for our mails", "The books"


def erased(giving: World, site: Site) -> list[str]:
    """Ann's last mail, as text and as the words of its HTML, each on one line."""
    giving.advance(minutes=1)
    site.sign_in(giving, ANN)
    site.post("/portal/contact", {"address": {"line1": STREET, "country": "GB"}, "name": NAME}, "PATCH")
    site.post("/portal/erase", {"confirm": "erase"})
    giving.work()
    [mail] = giving.mails("You are forgotten")
    return _both(mail)


def _both(mail: Mail) -> list[str]:
    shown = html.unescape(re.sub(r"<[^>]+>", " ", mail.html.partition("</style>")[2]))
    return [" ".join(text.replace("’", "'").split()) for text in (mail.text, shown)]


def says(text: str) -> set[str]:
    return {words for words in (NO_NAME, GONE, BESIDE, AID, FOR_MAILS, BOOKS) if words in text}


def test_nothing_of_the_name_stays(giving: World, site: Site) -> None:
    """A gift in dollars: books without a name, and the hashes with their day."""
    giving.give(50_00)
    until = clock.now() + timedelta(days=60)
    for text in erased(giving, site):
        assert says(text) == {NO_NAME, GONE, BOOKS}
        assert f"Until {until.day} {until:%B %Y}." in text
        assert "until 31 December 2033" in text
        assert "35 days" in text


def test_a_declaration_stays_and_the_mail_does_not_say_that_the_name_is_gone(giving: World, site: Site) -> None:
    """With the name and home in it, for gifts on which tax was claimed."""
    giving.give(50_00, "gbp", gift_aid=DECLARED)
    for text in erased(giving, site):
        assert says(text) == {AID, BOOKS}
        assert "without a word about you" not in text


def test_name_and_address_stay_beside_the_gift_where_the_law_asks_for_them(giving: World, site: Site) -> None:
    """Canada's copies of official receipts."""
    giving.give(50_00, "cad")
    for text in erased(giving, site):
        assert says(text) == {BESIDE, BOOKS}


@pytest.mark.parametrize("currency", ["usd", "cad"])
def test_who_had_signed_up_is_told_of_the_hash_that_stays(giving: World, site: Site, currency: str) -> None:
    """For good, so that nothing is sent to it; nobody else is told of one."""
    giving.give(50_00, currency)
    site.post("/sign-ups", {"email": ANN, "interests": ["stories"]})
    giving.work()
    for text in erased(giving, site):
        assert FOR_MAILS in text
        assert "This one stays for good" in text


def test_a_donor_with_two_kinds_is_told_of_both(giving: World, site: Site) -> None:
    """And what the mail lists is what stands."""
    giving.give(50_00, "cad")
    giving.give(50_00, "gbp", gift_aid=DECLARED)
    for text in erased(giving, site):
        assert says(text) == {BESIDE, AID, BOOKS}
    kept = str(everything(items.giving()))
    assert all(word in kept for word in (NAME, STREET, "Rose Cottage"))
