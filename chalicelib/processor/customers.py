"""What Stripe knows of a donor besides their payments: where its own mails go, and which monthly gifts go on."""

from __future__ import annotations

from contextlib import suppress

from chalicelib.email_forms import on_the_wire
from chalicelib.errors import NotThere
from chalicelib.giving import donors
from chalicelib.partners import store as partnerships
from chalicelib.processor import events, settle, stripe_api

# Two changes of one donor may be told at the same time; a third is not in sight.
TRIES = 4


def tell_address(donor_id: str) -> None:
    """
    Have every Stripe customer of the donor, in all of their records, carry the address that the donor has now.

        we: read a@ ......... tell a@ ... read b@: tell b@
        other:    ... b@ ... tell b@ ...

    What was told last is read back against the profile, so of two workers the
    later one mends what the earlier one left. Raises ProcessorUnsure, and the
    queue comes again.
    """
    for each in donors.records(donor_id):
        _tell_of_record(each)


def _tell_of_record(record: str) -> None:
    """Each record by itself: it may be joined, or taken out, while another one is told of."""
    for _ in range(TRIES):
        told, own = donors.person(record), donors.profile(record)
        if told is None or own is None or not told.email:
            return
        for customer_id in _customers(own):
            # Deleted at Stripe by staff: there is nobody left to mail.
            with suppress(NotThere):
                stripe_api.change_customer(customer_id, {"email": on_the_wire(told.email) or told.email})
        stands = donors.person(record)
        if stands and stands.email == told.email:
            return
    raise OverflowError("a donor's address keeps changing")


def read_partnerships(donor_id: str) -> None:
    """Keep every monthly gift that Stripe has of the donor's customers, also one of which no event has told yet."""
    donor = donors.profile(donor_id)
    for customer_id in _customers(donor) if donor else []:
        with suppress(NotThere):
            for found in stripe_api.subscriptions_of(customer_id):
                settle.read_partnership(events.id_of(found))


def _customers(donor: donors.Donor) -> list[str]:
    """The first one, and those of monthly gifts. Each one-off gift had one too, which nothing will be taken from."""
    monthly = [each.customer_id for each in partnerships.of_donor(donor.donor_id)]
    return [each for each in dict.fromkeys((donor.customer_id, *monthly)) if each]
