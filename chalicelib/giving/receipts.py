"""The receipt mail: one for each gift that was paid."""

from __future__ import annotations

from chalicelib import charity, settings
from chalicelib.errors import FactsDisagree
from chalicelib.gift_aid import store as gift_aid
from chalicelib.gift_aid.declaration import Declaration, covers, same_home, that_counts
from chalicelib.giving import donors, ledger, started
from chalicelib.giving.gift import Gift
from chalicelib.mail import outbox
from chalicelib.money import Money, in_words

NO_RECEIPT = "this mail is no receipt for your taxes."
NOT_STAYING = {
    "refunded": f"All of this has gone back since. There is nothing to deduct, and {NO_RECEIPT}",
    "disputed": f"Your bank is looking into this payment. Until it has decided, {NO_RECEIPT}",
    "unclear": f"We are finding out what has become of this payment. Until we know, {NO_RECEIPT}",
}


def send(donor_id: str, gift_id: str) -> None:
    """
    Mail the receipt of a gift that is in the ledger, unless it was mailed before: to where its donor is reached now.

    A donor without an address gets none by mail; it waits in the portal.
    """
    gift, donor = ledger.gift(donor_id, gift_id), donors.person(donor_id)
    if gift is None or donor is None:
        raise FactsDisagree(f"Gift {gift_id} is due a receipt but not in the ledger.")
    if donor.email:
        told = {**context(gift, donor), **_gift_aid(gift, donor_id)}
        outbox.send_once("receipt", gift_id, donor.email, told, donor_id=donor_id)


def _gift_aid(gift: Gift, donor_id: str) -> dict[str, object]:
    """
    The declaration that the gift rests on; without one, whether Gift Aid was wished for.

    One made with it is told of even where nothing can be claimed just now, as on a gift in dispute.
    """
    if not charity.current().takes_gift_aid(gift.money.currency):
        return {}
    told = gift_aid.of_donor(donor_id)
    with_it = [each for each in told if each.gift_id == gift.gift_id and each.cancelled_at is None]
    declaration = that_counts([*with_it, *(each for each in told if covers(each, gift))], gift.gift_id)
    # A monthly gift's wish is asked after once: only its first payment was begun on our page.
    wished = not declaration and gift.about.gift_aid and started.read(gift.gift_id) is not None
    moved = bool(with_it) and _names_another_home(told, with_it[0])
    return {"declaration": declaration, "to_declare": wished, "moved": moved}


def _names_another_home(told: list[Declaration], with_gift: Declaration) -> bool:
    """Whether the portal's declaration, which goes before this one for other gifts, is of another name or home."""
    portal = that_counts(each for each in told if not each.gift_id and each.cancelled_at is None)
    return portal is not None and not same_home(portal, with_gift)


def _since(gift: Gift) -> str:
    """What became of the gift before its receipt went out, which may be days later; nothing if all of it stays."""
    if gift.state != "paid":
        return NOT_STAYING[gift.state]
    gone = gift.money - gift.kept
    return f"Of this {in_words(gone)} has gone back since, and {in_words(gift.kept)} stays." if gone.minor else ""


def context(gift: Gift, donor: donors.Donor) -> dict[str, object]:
    """What the mail says: the facts of the gift and, as a tax office wants it, who took it and for what in return."""
    facts = charity.current()
    return {
        "name": donor.named_on_receipts,
        "gift": gift,
        "amount": in_words(gift.money),
        "since": _since(gift),
        "fees": in_words(Money(gift.about.fees_covered, gift.money.currency)) if gift.about.fees_covered else "",
        "fund": facts.funds.get(gift.about.fund, ""),
        "entity": facts.entities[gift.entity],
        # Elsewhere a mail is no proof for a tax office; documents for those countries come from statements/.
        "tax_receipt": facts.entities[gift.entity].country == "US" and gift.state == "paid",
        "advantage": in_words(gift.advantage) if gift.about.advantage else "",
        "eligible": in_words(gift.eligible),
        "declaration": None,
        "to_declare": False,
        "moved": False,
        "portal_url": f"{settings.current().site_url}/portal",
    }
