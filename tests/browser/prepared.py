"""A donor with a past, brought about by calls, quicker than clicking: every page has something to show."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.caller import Donor, until
from tests.house import House

BANK, BANK_THAT_FAILS = "000123456789", "000222222227"
VISA, FAILS_AT_RENEWAL, ASKS_AT_RENEWAL = "4242424242424242", "4000000000000341", "4000002500003155"
# Many gifts at once stand in a queue; the three seconds are promised to one.
PATIENCE_SECONDS = 30

# What a page is called here, and where it is. `{…}` is filled in for the donor.
PUBLIC = {
    "story": "/",
    "another story": "/stories/once-a-child-is-safe",
    "give": "/give?frequency=monthly",
    "give, an amount of one's own": "/give?amount=1234&currency=kwd",
    "give, in pounds": "/give?currency=gbp",
    "giving card of an iframe": "/give/card",
    "search": "/search?q=care",
    "search without a find": "/search?q=zebra",
    "sign-up": "/sign-up",
    "sign-up taken": "/sign-up/thanks",
    "sign-up to confirm": "/sign-up/confirm?token={mail_token}",
    "sign-up done": "/sign-up/done",
    "preferences": "/sign-ups/preferences?token={mail_token}",
    "unsubscribe": "/sign-ups/unsubscribe?token={mail_token}",
    "unsubscribed": "/sign-ups/unsubscribed",
    "sign in": "/portal",
    "sign in again": "/portal/sign-in?again=yes",
    "type the code": "/portal/code",
    "enter by link": "/portal/enter#token=none",
    "enter without a token": "/portal/enter",
    "change of address to undo": "/portal/email/undo#token=none",
    "change of address to undo by its code": "/portal/email/undo",
    "change of address undone": "/portal/email/undone",
    "erased": "/portal/erased",
    "gift paid": "/thank-you?gift={paid}",
    "gift on its way": "/thank-you?gift={processing}",
    "gift failed": "/thank-you?gift={failed}",
    "gift returned": "/thank-you?gift={refunded}",
    "gift not yet known": "/thank-you?gift={started}",
    "gift not known for long": "/thank-you?gift={started}&try=99",
    "desk": "{desk}/",
    "mails at the desk": "{desk}/mail",
    "a mail at the desk": "{desk}/mail/1",
    "payment page": "{payment_page}",
}
PORTAL = {
    "portal": "/portal",
    "giving": "/portal/gifts",
    "giving, monthly": "/portal/gifts?frequency=monthly",
    "a year without gifts": "/portal/gifts?year=2001",
    "statements": "/portal/statements",
    "monthly gifts in every state": "/portal/partnerships",
    "contact": "/portal/contact",
    "change of address": "/portal/email",
    "change of address to confirm": "/portal/email/confirm",
    "change of address by link": "/portal/email/confirm#token=none",
    "gifts under another address": "/portal/other-address",
    "gifts under another address by link": "/portal/other-address/confirm#token=none",
    "one's own data": "/portal/your-data",
    "sessions": "/portal/sessions",
    "gift aid": "/portal/gift-aid",
}
REFUSALS = {"no such story": "/stories/none", "no such gift": "/thank-you?gift=" + 32 * "0"}


class Prepared:
    """Gifts in every state, monthly gifts in every state, a confirmed sign-up, and an open session."""

    def __init__(self, house: House) -> None:
        self.house, self.donor = house, Donor(house, "past")
        self._give_monthly()
        self.named = {"desk": house.desk, **self._gifts(), "mail_token": self._sign_up()}
        self.donor.sign_in()
        self._lead()

    def address(self, path: str) -> str:
        filled = path.format(**self.named)
        return filled if filled.startswith("http") else self.house.site + filled

    def cookies(self) -> Any:
        """The session, as a browser takes it."""
        jar = self.donor.browser.cookies
        return [{"name": each.name, "value": each.value, "url": self.house.site} for each in jar]

    def _give_monthly(self) -> None:
        """One each to go on, to pause, to skip, and to end; and, a month later, one that is declined and one that the bank asks about."""
        for amount, card in ((25_00, VISA), (40_00, VISA), (45_00, VISA), (55_00, VISA), (65_00, FAILS_AT_RENEWAL), (75_00, ASKS_AT_RENEWAL)):
            self.donor.give("monthly", amount, card=card)
        until(lambda: len(self.donor.mails("Welcome")) == 6, PATIENCE_SECONDS)
        self.donor.at_stripe("advance", {"to": int((self.donor.now() + timedelta(days=31)).timestamp())})
        for mail in ("could not be taken", "confirm your monthly gift"):
            until(lambda mail=mail: self.donor.mails(mail), PATIENCE_SECONDS)  # type: ignore[misc]

    def _lead(self) -> None:
        listed = self.donor.call("GET", "/portal/partnerships").json()["partnerships"]
        path = {each["amount"]: f"/portal/partnerships/{each['partnership_id']}" for each in listed}
        next_one = {each["amount"]: each["next_charge_on"] for each in listed}
        day = self.donor.now().date() + timedelta(days=60)
        assert self.donor.call("POST", f"{path[40_00]}/pause", {"until": str(day)}).ok
        assert self.donor.call("POST", f"{path[45_00]}/skip", {"next_charge_on": next_one[45_00]}).ok
        assert self.donor.call("POST", f"{path[55_00]}/cancel", {}).ok

    def _gifts(self) -> dict[str, str]:
        donor = self.donor
        states = {
            "paid": donor.give("once", 50_00),
            "processing": donor.give("once", 60_00, card=BANK),
            "failed": self._fails(),
            "refunded": self._returned(),
            "started": donor.start("once", 90_00)[0],
        }
        until(lambda: states == {self._state(gift_id): gift_id for gift_id in states.values()}, PATIENCE_SECONDS)
        return {**states, "payment_page": f"{self.house.stripe}/c/pay/{donor.start('monthly', 30_00)[1]}"}

    def _state(self, gift_id: str) -> str:
        return str(self.donor.call("GET", f"/gifts/{gift_id}").json()["state"])

    def _fails(self) -> str:
        gift_id, session = self.donor.start("once", 70_00)
        payer = {"card": BANK_THAT_FAILS, "email": self.donor.email, "name": "Ann Lee"}
        self.donor.at_stripe("pay", {"session": session, **payer})
        self.donor.at_stripe("settle", {"session": session})
        return gift_id

    def _returned(self) -> str:
        gift_id = self.donor.give("once", 80_08)
        charges = self.donor.stripe_state()["charges"]
        self.donor.at_stripe("refund", {"charge": next(each["id"] for each in charges if each["amount"] == 80_08)})
        return gift_id

    def _sign_up(self) -> str:
        """The token in the mail, with which both confirming and choosing are done."""
        self.donor.call("POST", "/sign-ups", {"email": self.donor.email, "interests": ["stories"]})
        mail = until(lambda: self.donor.mails("confirm your sign-up"))[0]
        token = mail["text"].split("/sign-up/confirm?token=")[1].split()[0]
        self.donor.call("POST", "/sign-ups/confirm", {"token": token})
        return str(mail["headers"]["List-Unsubscribe"].strip("<>").split("token=")[1])
