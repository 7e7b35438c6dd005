"""The two forms of an address: to be found by, and to be mailed to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import keys
from chalicelib.email_forms import canonical, on_the_wire


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@X.org", "ann@x.org"),
        (" ann@x.org ", "ann@x.org"),
        ("bo@bücher.example", "bo@xn--bcher-kva.example"),
        ("bo@BÜCHER.example", "bo@XN--BCHER-KVA.Example"),
        ("bo@bu\u0308cher.example", "bo@bücher.example"),
        ("JOSÉ@x.org", "jose\u0301@x.org"),
        ("H\u0331@x.org", "\u1e96@x.org"),
        ("\u212aim@x.org", "kim@x.org"),  # the Kelvin sign is the letter K (normal form C), and nobody's other mailbox
        ("x@\u212aim.example", "x@kim.example"),
        ("x@\u017ftadt.example", "x@stadt.example"),  # no name server knows a long s
        ("x@ex\u3002example", "x@ex.example"),
    ],
)
def test_one_address_in_two_spellings_is_one(one: str, other: str) -> None:
    """Capitals, accents in one sign or two, and a domain as people or as name servers write it."""
    assert keys.email_hash(one) == keys.email_hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vic@straße.example", "vic@strasse.example"),
        ("groß@x.org", "gross@x.org"),
        ("x@faß.example", "x@fass.example"),
        ("νικος@x.org", "νικοσ@x.org"),
        ("x@νικος.example", "x@νικοσ.example"),
        ("\u017fam@x.org", "sam@x.org"),
        ("\ufb01@x.org", "fi@x.org"),
        ("\uff41nn@x.org", "ann@x.org"),
        ("\u0130@x.org", "i@x.org"),
        ("ann@a_b.example", "ann@ab.example"),
    ],
)
def test_two_addresses_are_two(one: str, other: str) -> None:
    """Each may belong to somebody else, who must not see the first one's giving."""
    assert keys.email_hash(one) != keys.email_hash(other)


@pytest.mark.parametrize(
    "malformed",
    ["", "@", "ann", "ann@", "@x.org", "a@b@c", "ann@a_b.example", "ann@-x-.example", "ann@☃☃_.example", "ann@..ü",
     "ann@xn--a.example", "ann@" + "ü" * 300, "ann@\ud800ü.example", "\ud800@x.org", "ann@ü.example."],
)  # fmt: skip
def test_what_is_no_address_has_a_name_too(malformed: str) -> None:
    """Stripe may have taken it, and the gift must be booked all the same: always under the same name."""
    assert keys.email_hash(malformed) == keys.email_hash(canonical(malformed))


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_any_text_has_one_form_that_stays(text: str) -> None:
    """What is compared is compared again and again: the form of a form is the same."""
    assert canonical(canonical(text)) == canonical(text)
    keys.email_hash(text)


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("Ann@Example.org", "Ann@Example.org"),
        ("bo@bücher.example", "bo@xn--bcher-kva.example"),
        ("vic@straße.example", "vic@xn--strae-oqa.example"),
        ("ann@a_b.example", "ann@a_b.example"),
        ("bö@x.org", None),
        ("ann@☃_.example", None),
        ("ann", None),
        ("", None),
    ],
)
def test_on_the_wire_an_address_is_ascii_or_nothing(address: str, wire: str | None) -> None:
    """A domain is encoded. Before the @ nothing can be."""
    assert on_the_wire(address) == wire
