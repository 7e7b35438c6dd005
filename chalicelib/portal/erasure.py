"""
Forgetting a donor: all that is theirs goes, what the law wants kept stays, and no sum changes.

    asked (signed in just now, confirmed) -- monthly gifts ended at Stripe -- queued -- the steps of `erase`
                                               `-- Stripe does not answer: nothing is erased, ask again

The steps are an errand of the queue: each may run any number of times, and
one that died half-way is ended when the message comes again. Of several
records of one person the main one is the last, so that until all are done it
still says which they are.
"""

from __future__ import annotations

from datetime import date

import msgspec

from chalicelib import charity, clock, items, keys
from chalicelib.errors import InvalidInput, ProcessorUnsure
from chalicelib.gift_aid import claims, pending
from chalicelib.gift_aid import store as gift_aid
from chalicelib.gift_aid.declaration import reaches
from chalicelib.giving import donors, erased, ledger
from chalicelib.giving.donors import Address, Donor
from chalicelib.mail import outbox
from chalicelib.partners import manage
from chalicelib.partners import store as partnerships
from chalicelib.portal import email_change, export, parting, sessions
from chalicelib.processor import customers
from chalicelib.signups import store as signups
from chalicelib.statements import tax_year


class EraseAsked(msgspec.Struct, frozen=True, tag=True):
    """A donor has confirmed that they want to be forgotten."""

    donor_id: str


def begin(donor_id: str, confirmation: str) -> None:
    """
    End the monthly gifts at Stripe, then have the rest done, and sign the donor out everywhere.

    Raises InvalidInput without the word that confirms, and ProcessorUnsure or
    ProcessorRefused if Stripe does not end a monthly gift: then nothing is
    erased, and asking again is safe.
    """
    if confirmation.strip().casefold() != "erase":
        raise InvalidInput("Please type the word “erase”. It cannot be undone.", code="not_confirmed", field="confirm")
    try:
        for each in donors.records(donor_id):
            end_partnerships(each)
    except ProcessorUnsure as unsure:
        raise ProcessorUnsure(
            "We could not reach the payment processor to end your monthly gifts, so nothing was erased. Please try "
            "again in a few minutes.", retry_after=60,
        ) from unsure  # fmt: skip
    outbox.ask(EraseAsked(donor_id))
    sessions.end_all(donor_id)


def erase(job: EraseAsked) -> None:
    """
    Forget every record of the donor.

    One that was joined to another since it was asked for is taken out of that
    one first: its own donor asked, and not the other's.
    """
    donor = donors.profile(job.donor_id)
    if donor and donor.joined_to:
        parting.part(donor)
        erase(job)  # as it stands now: somebody may have joined it anew
        return
    if donor is None:
        return
    for each in map(donors.profile, donor.joined):
        if each and (each.erased_at or each.joined_to == donor.donor_id):
            forget_record(each)
    forget_record(donor)


def forget_record(donor: Donor) -> None:
    """Every step, in the order in which each needs what the next takes away."""
    donor_id = donor.donor_id
    if not donor.erased_at:
        end_partnerships(donor_id)
        close_the_door(donor)
        forget_sign_ups(donor)
        forget_waiting_declarations(donor)
        forget_profile(donor)
    farewell = donors.profile(donor_id)
    assert farewell, "a tombstone stays"
    close_the_door(farewell)
    export.forget(donor_id)
    # Whom a gift honours: no tax office asks for it, and until the tombstone stands a payment may still bring some.
    ledger.forget_tributes(donor_id)
    end_declarations(donor_id)
    release_addresses(farewell)
    say_goodbye(farewell)
    forget_address(donor_id)


def end_partnerships(donor_id: str) -> None:
    """End every monthly gift at Stripe, also one of which no event has told us yet."""
    customers.read_partnerships(donor_id)
    for each in partnerships.of_donor(donor_id):
        manage.cancel(donor_id, each.partnership_id, manage.Cancel())


def close_the_door(donor: Donor) -> None:
    """No session, no link to sign in, no change of address under way or to be undone."""
    sessions.end_all(donor.donor_id)
    for each in donor.every_hash:
        items.delete(items.passing(), keys.passing("SIGNIN", each))
    email_change.forget(donor)


def forget_sign_ups(donor: Donor) -> None:
    """Of each of their addresses nothing stays but, under its hash, that it wants no mail."""
    for each in donor.every_hash:
        signups.forget(each)


def forget_waiting_declarations(donor: Donor) -> None:
    """Gift Aid declarations of gifts that are not paid. Should a payment come all the same, none is made of them."""
    for each in donor.every_hash:
        pending.forget(each)


def end_declarations(donor_id: str) -> None:
    """
    No Gift Aid on anything later. A declaration of which a gift was ever one is kept, with the name it was made in.

    Whatever became of the gift: it may have been claimed on before it was
    refunded, or be claimed on once a dispute is won. Only once the tombstone
    stands: until then a payment may still bring a declaration along.
    """
    gift_aid.cancel(donor_id)
    gifts = ledger.gifts(donor_id)
    claimed = {entry.declaration_id for entry in claims.of_donor(donor_id)}
    for each in gift_aid.of_donor(donor_id):
        if each.declaration_id not in claimed and not any(reaches(each, gift) for gift in gifts):
            items.delete(items.giving(), keys.donor(donor_id, keys.declaration(each.declaration_id)))


def forget_profile(donor: Donor) -> None:
    """
    Put the tombstone where the profile was. It keeps the address until the last mail has gone there.

    What the law wants named is the person, who is called as their main record
    says. Not if a record was joined or taken away meanwhile: then again.
    """
    kept_until, named = _kept_by_law(donor.donor_id)
    called = donors.person(donor.donor_id) or donor
    as_read, values = donors.joined_as(donor)
    tombstone = Donor(
        donor.donor_id,
        receipt_name=called.named_on_receipts if named else "",
        address=called.address if named else Address(),
        email_hashes=donor.every_hash,
        email_changes=donor.email_changes,
        joined=donor.joined,
        farewell=donor.email,
        erased_at=clock.now(),
        kept_until=kept_until,
    )
    not_yet = f"{donors.NOT_ERASED} AND {as_read}"
    items.put(items.giving(), items.as_item(keys.donor(donor.donor_id), tombstone), not_yet, values)


def release_addresses(donor: Donor) -> None:
    """Their addresses lead here no more: whoever gives with one begins anew. Stripe's customers still lead here."""
    assert donor.erased_at, "only a tombstone's are released"
    for each in donor.email_hashes:
        erased.release(donor.donor_id, each, donor.erased_at)


def say_goodbye(donor: Donor) -> None:
    """The last mail: that it is done, and what is kept."""
    if donor.farewell:
        outbox.send_once("erased", donor.donor_id, donor.farewell, _what_stays(donor))


def forget_address(donor_id: str) -> None:
    """Where the last mail went, the hashes by which addresses were found, and which other records were theirs."""
    gone = "REMOVE farewell, email_hashes, email_changes, joined"
    items.update(items.giving(), keys.donor(donor_id), gone, {}, items.PRESENT)


def _what_stays(donor: Donor) -> dict[str, object]:
    """What the last mail lists, read off what stands now and not off what was meant."""
    assert donor.erased_at, "the last mail comes when a tombstone stands"
    return {
        "kept_until": donor.kept_until,
        "named": bool(donor.receipt_name or donor.address != Address()),
        "declared": bool(gift_aid.of_donor(donor.donor_id)),
        "signed_up": any(signups.is_known(each) for each in donor.email_hashes),
        "hashed_until": (donor.erased_at + erased.KEPT).date(),
    }


def _kept_by_law(donor_id: str) -> tuple[date | None, bool]:
    """Until when the gifts must be kept, and whether with the donor's name and address."""
    entities, until, named = charity.current().entities, None, False
    for gift in ledger.gifts(donor_id):
        entity = entities[gift.entity]
        ends = tax_year.records_end(gift.given_on, entity.country, entity.records_years)
        until = max(until or ends, ends)
        named = named or (entity.records_name_donor and ends >= clock.now().date())
    return until, named
