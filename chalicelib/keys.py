"""
Every key of the three tables, on one page.

`Giving` (kept for good)
    DONOR#<donor>   PROFILE
    DONOR#<donor>   FACT#<gift at>#<charge>#<kind>#<stripe id>     one gift's facts stand together
    DONOR#<donor>   GIFT#<gift id>                                 where in FACT# a gift stands
    DONOR#<donor>   YEAR#<UTC year>                                how many facts came, and what they added up to
    DONOR#<donor>   PARTNER#<subscription>
    DONOR#<donor>   STATEMENT#<entity>#<tax year>#<number>
    DONOR#<donor>   GIFTAID#<declaration>                          a British donor's declarations
    DONOR#<donor>   CLAIMED#<charge>#<number>                      what a claim said of a gift: added, never changed
    DONOR#<donor>   MAIL#<mail>#<about>                            mails about money: sent once, for good
    CLAIM#<name>    NOW                                            a Gift Aid claim: for which days, closed when
    RUN#<entity>#<tax year>  NOW                                   that the year's run has begun
    EMAIL#<sha256>, CUSTOMER#<cus>, CHARGE#<ch>, GIFT#<gift id>, SUBSCRIPTION#<sub>  POINTER
`Signups`
    EMAIL#<sha256>  SIGNUP
`Passing` (short-lived; every expiry is also checked in the condition)
    SESSIONS#<hash of donor>  <sha256 of the token>                a donor's sessions stand together
    KNOWN#<hash of donor>  <sha256 of the token>                   browsers in which the donor has signed in
    SIGNIN#<email sha256>, COUNT#<what>#<window>, MAIL#<mail>#<about>,
    STRANGER#<ch>, LETTER#<message id>, UNDO#<change>,
    NEWEMAIL#<donor>                                               an address that a donor is to prove, and why
    ERASED#<email sha256>                                          whose address it was, for what was paid before
    CODE#<keyed hash of a code>,
    GIFTAID#<gift id>  NOW                                         a declaration that waits for its gift to be paid
    GIFTAIDS#<email sha256>  <gift id>                             those that wait beside a typed address
"""

import hashlib
from datetime import UTC, datetime

from chalicelib.email_forms import canonical

POINTER = "POINTER"
PROFILE = "PROFILE"
SIGNUP = "SIGNUP"
NOW = "NOW"
FACTS = "FACT#"
PARTNERSHIPS = "PARTNER#"
YEARS = "YEAR#"
STATEMENTS = "STATEMENT#"
DECLARATIONS = "GIFTAID#"
CLAIMED = "CLAIMED#"

Key = dict[str, str]


def donor(donor_id: str, sort: str = PROFILE) -> Key:
    return {"pk": f"DONOR#{donor_id}", "sk": sort}


def pointer(kind: str, name: str) -> Key:
    """Who or what a name stands for: `kind` is EMAIL, CUSTOMER, CHARGE, GIFT or SUBSCRIPTION."""
    return {"pk": f"{kind}#{name}", "sk": POINTER}


def passing(kind: str, name: str) -> Key:
    return {"pk": f"{kind}#{name}", "sk": NOW}



def fact(gift_at: datetime, charge_id: str, kind: str, stripe_id: str) -> str:
    return f"{gift(gift_at, charge_id)}#{kind}#{stripe_id}"


def gift(gift_at: datetime, charge_id: str) -> str:
    """Where all the facts of one gift begin."""
    return f"{FACTS}{moment(gift_at)}#{charge_id}"


def year(gift_at: datetime) -> str:
    """Where what was given in a year is added up: all facts of a gift fall in one, that of the gift in UTC."""
    return f"{YEARS}{gift_at.astimezone(UTC).year:04d}"


def statement(entity: str, tax_year: int, number: int | None = None) -> str:
    return f"{STATEMENTS}{entity}#{tax_year}#" + (f"{number:04d}" if number is not None else "")


def years_run(entity: str, tax_year: int) -> Key:
    """That the statements of a year are going out, or have gone."""
    return {"pk": f"RUN#{entity}#{tax_year}", "sk": NOW}


def declaration(declaration_id: str) -> str:
    return f"{DECLARATIONS}{declaration_id}"


def claim(name: str) -> Key:
    """A Gift Aid claim by the name that staff gave it."""
    return {"pk": f"CLAIM#{name}", "sk": NOW}


def claimed(charge_id: str, number: int) -> str:
    """The gift's so-manieth entry in a claim, from 1."""
    return f"{CLAIMED}{charge_id}#{number:04d}"


def pending_declaration(email_sha256: str, gift_id: str) -> Key:
    """That a declaration waits beside an address; what it says stands under the gift's id."""
    return {"pk": f"GIFTAIDS#{email_sha256}", "sk": gift_id}


def moment(at: datetime) -> str:
    """A moment as text that sorts as time does."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def email_hash(address: str) -> str:
    """The name under which an address is looked up: `Ann@X.org` and `ann@x.org` are one."""
    return hashlib.sha256(canonical(address).encode("utf-8", "surrogatepass")).hexdigest()
