"""
Mail that is due, each sent once.

SES has no idempotency token, so a lease stands before every call:

    claim ---- send ---- sent for good
      |          `-- crash or lost answer: nobody knows; the lease runs out,
      |              and the next try is marked as a possible duplicate
      `-- another worker's lease: come back later

Never none, and never a second one without saying so. Of a mail that may be
missed but never come twice, the outcome that nobody knows is left so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import msgspec

from chalicelib import aws, items, keys, log, settings
from chalicelib.clock import now
from chalicelib.errors import MailHeld
from chalicelib.mail import send

# SES answers within seconds; 90 outlast the slowest call and end before the
# queue shows the message again (360 seconds).
LEASE = timedelta(seconds=90)
# How long a mail that is not about money is remembered as sent.
REMEMBERED = timedelta(days=2)

LEASE_HAS_RUN_OUT = "sent_at = :never AND lease_until = :seen"
STILL_OURS = "lease_until = :ours"


# What became of a mail: nothing yet, also while somebody is at it; sent; or tried, and nobody knows.
Outcome = Literal["not sent", "sent", "unknown"]


def send_once(
    mail: str, about: str, to: str, context: dict[str, Any], *, donor_id: str = "", never_twice: bool = False
) -> None:  # fmt: skip
    """
    Send the mail unless it was sent before.

    `mail` is a folder of messages/, `about` what this one is about. With a
    donor it is remembered for good under that donor, else for two days.
    `never_twice`: where an earlier try may have sent it, it is not sent again;
    its outcome stays unknown until somebody asks without.
    Raises MailHeld while another worker is at it. An address that no mail can
    reach, as Stripe may have taken it, is counted and nothing else: what the
    mail was to tell goes on.
    """
    if not send.can_reach(to):
        log.count("mail_not_sendable", mail=mail)
        return
    table, key = _place(mail, about, donor_id)
    claimed = _claim(table, key)
    if claimed is None:
        return
    if never_twice and claimed["tries"] > 1:
        _release(table, key, claimed)
        log.count("mail_outcome_unknown", mail=mail)
        return
    try:
        send.send(mail, about, to, context, possible_duplicate=claimed["tries"] > 1)
    except send.NotSent:
        _release(table, key, claimed)
        raise
    items.update(table, key, "SET sent_at = :now", {":now": keys.moment(now())})


def was_sent(mail: str, about: str, *, donor_id: str = "") -> bool:
    """Whether this mail was sent, as far as is known."""
    return outcome(mail, about, donor_id=donor_id) == "sent"


def outcome(mail: str, about: str, *, donor_id: str = "") -> Outcome:
    """What became of this mail, as far as is known."""
    stands = items.get(*_place(mail, about, donor_id))
    if stands is None:
        return "not sent"
    if stands["sent_at"]:
        return "sent"
    return "not sent" if _is_leased(stands) else "unknown"


def begun(mail: str, donor_id: str) -> list[str]:
    """What every one of these mails to the donor is about, whether it is known to have gone or not."""
    prefix = f"MAIL#{mail}#"
    found = items.query_all(items.giving(), keys.donor(donor_id)["pk"], prefix=prefix)
    return [str(each["sk"]).removeprefix(prefix) for each in found]


def ask(job: msgspec.Struct) -> None:
    """Put work that ends in a mail on the queue, so that a page answers at once and always alike."""
    body = msgspec.json.encode(job).decode()
    aws.sqs().send_message(QueueUrl=settings.current().mail_queue, MessageBody=body)


def _place(mail: str, about: str, donor_id: str) -> tuple[str, keys.Key]:
    name = f"{mail}#{about}"
    if donor_id:
        return items.giving(), keys.donor(donor_id, f"MAIL#{name}")
    return items.passing(), keys.passing("MAIL", name)


def _claim(table: str, key: keys.Key) -> items.Item | None:
    """The lease, now ours; None if the mail was sent. Raises MailHeld."""
    until = keys.moment(now() + LEASE)
    fresh = {**key, "sent_at": "", "lease_until": until, "tries": 1}
    if table == items.passing():
        fresh["expires_at"] = int((now() + REMEMBERED).timestamp())
    try:
        items.put(table, fresh, items.ABSENT)
    except items.ConditionFailed:
        return _claim_again(table, key, until)
    return fresh


def _claim_again(table: str, key: keys.Key, until: str) -> items.Item | None:
    stands = items.get(table, key)
    if stands is None:
        raise MailHeld("This mail has just been released.")
    if stands["sent_at"]:
        return None
    if _is_leased(stands):
        raise MailHeld("Another worker is sending this mail.")
    values = {":never": "", ":seen": stands["lease_until"], ":until": until, ":one": 1}
    try:
        return items.update(table, key, "SET lease_until = :until ADD tries :one", values, LEASE_HAS_RUN_OUT)
    except items.ConditionFailed as other:
        raise MailHeld("Another worker has just begun to send this mail.") from other


def _is_leased(stands: items.Item) -> bool:
    return bool(stands["lease_until"] > keys.moment(now()))


def _release(table: str, key: keys.Key, claimed: items.Item) -> None:
    """
    Nothing was sent this time, and we know it: the next try stands where this one did.

    An earlier try of which nobody knows is not forgotten with it, or the mail
    that it may have sent would be followed by one that does not say so.
    """
    ours = {":ours": claimed["lease_until"]}
    try:
        if claimed["tries"] == 1:
            items.delete(table, key, STILL_OURS, ours)
        else:
            over = {":over": keys.moment(now()), ":less": -1}
            items.update(table, key, "SET lease_until = :over ADD tries :less", {**ours, **over}, STILL_OURS)
    except items.ConditionFailed:
        return
