"""
Pure. An email address in the two forms that programs need: to be looked up by, and to be mailed to.

As it is shown it stays what its owner, or Stripe, wrote. Before the @ nobody
but the mail server knows what is the same, so only capitals are made equal
there: `ß` and `ss` are two people. After it stands a domain, which has one
form on the wire whatever was typed: `bücher.example` is `xn--bcher-kva.example`,
and `straße.example` is not `strasse.example`.
"""

from __future__ import annotations

import unicodedata


def canonical(address: str) -> str:
    """
    The address as we compare it. Never raises: what is no address has a form too.

    Lowercased and not casefolded, which would make `ß` and `ss`, `ſ` and `s`,
    `ς` and `σ` one. Normal form C twice: some small letters are one sign
    where their capitals are two.
    """
    name, at, domain = _parts(address)
    on_the_wire = _domain_on_the_wire(domain)
    return _composed((name + at + (domain if on_the_wire is None else on_the_wire)).lower())


def on_the_wire(address: str) -> str | None:
    """
    The address in ASCII, as mail programs take it; None if it has no such form.

    A domain can be encoded, what stands before the @ cannot, and SES carries
    ASCII only: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html
    """
    name, at, domain = _parts(address)
    encoded = _domain_on_the_wire(domain)
    return name + at + encoded if name and name.isascii() and encoded else None


def _parts(address: str) -> tuple[str, str, str]:
    return _composed(address.strip()).rpartition("@")


def _domain_on_the_wire(domain: str) -> str | None:
    """
    The domain by IDNA 2008, mapped by UTS 46 as browsers do (nontransitional: `ß` stays); None if it cannot be one.

    One that is ASCII already stays as it is, well-formed or not.
    """
    if domain.isascii():
        return domain
    import idna  # noqa: PLC0415 - its tables take 30 ms, and few domains need them

    try:
        return idna.encode(domain, uts46=True, transitional=False).decode()
    except UnicodeError:  # IDNAError is one
        return None


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
