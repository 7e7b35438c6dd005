"""Mails that people can read, with every program, and that nobody can forge parts of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from email.policy import SMTP
from pathlib import Path

import msgspec
import pytest

from chalicelib import charity
from chalicelib.giving import receipts
from chalicelib.giving.donors import Donor
from chalicelib.giving.gift import About, Gift
from chalicelib.mail import send
from chalicelib.money import Money
from local.cloud import Cloud

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
GIFT = Gift(
    "a" * 32, "ch_1", AT, date(2026, 3, 10), "us", Money(51_81, "usd"), Money(51_81, "usd"), Money(0, "usd"), False,
    About("a" * 32, fund="rescue", tribute_kind="in_memory", tribute_name="<b>Rosa</b>", fees_covered=1_81), "Visa •••• 4242", "",
)  # fmt: skip
FOLDERS = sorted(path.name for path in send.MESSAGES.iterdir() if path.is_dir())
CONTEXT = {
    "name": "Ann <i>Lee</i>", "amount": "$25.00", "day": 10, "method": "Visa •••• 4242", "what": "paused",
    "next_charge_on": date(2026, 4, 10), "paused_until": None, "skipped_on": date(2026, 4, 10), "ends_on": date(2026, 9, 10), "ended_on": date(2026, 3, 10),
    "portal_url": "https://x.example/portal",
    "give_url": "https://x.example/give", "link": "https://x.example/#t", "code": "1234 5678",
    "interests": ["Stories from the field"], "confirm_url": "https://x.example/c", "preferences_url": "https://x.example/p",
    "unsubscribe_url": "https://x.example/u", "new": "a•••@example.org", "undo_url": "https://x.example/undo#token=t", "undo_page": "https://x.example/undo", "days": 7,
    "other": "ann@work.example", "page": "https://x.example/portal/other-address",
    "kept_until": date(2033, 12, 31), "named": True, "declared": True, "signed_up": True, "hashed_until": date(2026, 5, 9),
    "parted": True, "lapsed": False, "owed": "$25.00", "because": "card_expired",
    "pay_url": "https://x.example/i", "retry_on": date(2026, 4, 13),
    "year": "2026", "legal_name": "Open Gate Justice, Inc. (example)", "serial": "US-2026-3f9a1c22d04b-2",
    "replaces": "US-2026-3f9a1c22d04b-1", "statements_url": "https://x.example/portal/statements",
    "gifts_changed": True, "contact_url": "https://x.example/portal/contact", "lacks": ["street and number"],
}  # fmt: skip


def context() -> dict[str, object]:
    return {**CONTEXT, **receipts.context(GIFT, Donor("d", name="Ann <i>Lee</i>"))}


@pytest.mark.parametrize("mail", FOLDERS)
@pytest.mark.parametrize("again", [False, True])
def test_every_mail_has_a_subject_a_text_and_html(aws_local: Cloud, mail: str, again: bool) -> None:
    """Three files in its folder, each whole, whatever the donor is called."""
    message = send.build(mail, "ann@example.org", context(), possible_duplicate=again)
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]

    assert {path.name for path in Path(send.MESSAGES / mail).iterdir()} == {"subject.txt", "body.txt", "body.html"}
    assert message["Subject"]
    assert "{{" not in text + html
    assert "<i>Lee</i>" not in html
    assert charity.current().postal_address.split(",")[0] in text


def test_a_receipt_says_what_a_tax_office_asks_for(aws_local: Cloud) -> None:
    """Organisation, number, date, amount, and that nothing was given in return (IRS Publication 1771)."""
    text = send.build("receipt", "ann@example.org", context()).get_body(("plain",)).get_content()  # type: ignore[union-attr]

    for element in (
        "$51.81", "10 March 2026", "Open Gate Justice, Inc.", "EIN 00-0000000", "No goods or services were provided",
        "Rescue and legal help", "In memory of: <b>Rosa</b>", "$1.81",
    ):  # fmt: skip
        assert element in text


@pytest.mark.parametrize(
    ("then", "says", "tax"),
    [
        ({"refunded": Money(20_00, "usd"), "kept": Money(31_81, "usd")},
         "Of this $20.00 has gone back since, and $31.81 stays.", "Only what stays is deductible: $31.81."),
        ({"refunded": Money(51_81, "usd"), "kept": Money(0, "usd")}, "All of this has gone back since.", ""),
        ({"kept": Money(0, "usd")}, "All of this has gone back since.", ""),
        ({"kept": Money(0, "usd"), "disputed": True}, "Your bank is looking into this payment.", ""),
        ({"unclear": True}, "We are finding out what has become of this payment.", ""),
    ],
    ids=["a part refunded", "refunded", "dispute lost", "in dispute", "unclear"],
)  # fmt: skip
def test_a_receipt_that_comes_late_says_what_became_of_the_gift(aws_local: Cloud, then: dict[str, object], says: str, tax: str) -> None:
    """It may go out days after the payment, as from reconcile. Nobody deducts what they have back."""
    told = {**CONTEXT, **receipts.context(msgspec.structs.replace(GIFT, **then), Donor("d", name="Ann"))}
    message = send.build("receipt", "ann@example.org", told)
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]

    for body in (message.get_body(("plain",)).get_content(), html):  # type: ignore[union-attr]
        words = " ".join(body.split())
        assert says in words
        assert ("keep this mail for your tax records" in words, "has arrived" in words, "no receipt for your taxes" in words) == (bool(tax), bool(tax), not tax)
        assert tax in words

def test_a_line_break_in_a_name_cannot_add_a_header(aws_local: Cloud) -> None:
    """A subject is one line whatever is put into it."""
    message = send.build("partnership_changed", "ann@example.org", {**context(), "what": "x\r\nBcc: all@example.org"})

    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]


def test_sign_up_mails_can_be_left_with_one_click(aws_local: Cloud) -> None:
    """RFC 8058 asks for both headers."""
    message = send.build("sign_up_confirm", "ann@example.org", context())

    assert message["List-Unsubscribe"] == "<https://x.example/u>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_an_address_is_never_written_in_mime_s_own_code(aws_local: Cloud) -> None:
    """`=?utf-8?q?…?=@example.org` is another mailbox; a domain has a form of its own for this."""
    message = send.build("sign_in", "bo@bücher.example", context())

    assert b"\r\nTo: bo@xn--bcher-kva.example\r\n" in message.as_bytes(policy=SMTP)
    assert not send.can_reach("bö@example.org")
