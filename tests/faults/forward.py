"""What only ever goes forward: rules for one item before and after a write. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Item = dict[str, Any]
# Of a gift's own record: what was wished for, and who paid it.
WISH, PAID = ("request_hash", "amount", "currency", "frequency"), ("charge_id", "donor_id")


def gone_back(was: Item, now: Item | None) -> str:
    """What of an item went back when it was written; "" if nothing did, or if it is one that may."""
    rule = _rule_of(was)
    return rule(was, now or {}) if rule and now != was else ""


def goes_forward(item: Item) -> bool:
    """Whether there is anything about an item that must not go back."""
    return _rule_of(item) is not None


def is_fact(item: Item) -> bool:
    return bool(item["sk"].startswith("FACT#"))


def _rule_of(item: Item) -> Callable[[Item, Item], str] | None:
    return RULES.get((item["pk"].partition("#")[0], item["sk"].partition("#")[0]))


def _unchanged(was: Item, now: Item) -> str:
    return "" if was == now else f"now {now}"


def _place(was: Item, now: Item) -> str:
    """Of which gift and whose a charge is, and when it was given; once finished it stays so."""
    if now.get("unfinished") and not was.get("unfinished"):
        return "unfinished again"
    return _unchanged({**was, "unfinished": ""}, {**now, "unfinished": ""})


def _checkout(was: Item, now: Item) -> str:
    """A gift stays the one that was wished for and is paid by one charge; its present page's progress only grows."""
    lost = [name for name in (*WISH, *PAID) if name in was and was[name] != now.get(name)]
    if lost:
        return f"another {lost}"
    if now["attempt"] != was["attempt"] or "session_id" not in was:
        return "" if now["attempt"] >= was["attempt"] else "an earlier attempt"
    if now.get("session_id") != was["session_id"]:
        return "another page in place of one that can be paid on"
    ranks = [each.get("progress_rank", 0) for each in (was, now)]
    return "" if ranks[0] <= ranks[1] else f"{was['progress']} became {now['progress']}"


def _version(was: Item, now: Item) -> str:
    """A partnership is replaced by its next version, and each version is one; of itself it is only finished."""
    if "unfinished" in was and now == {name: value for name, value in was.items() if name != "unfinished"}:
        return ""
    versions = was["version"], now.get("version", 0)
    return "" if versions[1] == versions[0] + 1 else f"version {versions[0]}, then {versions[1]}"


def _mail(was: Item, now: Item) -> str:
    return "sent no more" if was["sent_at"] and not now.get("sent_at") else ""


def _counted(was: Item, now: Item) -> str:
    return "" if now.get("changes", 0) >= was["changes"] else "fewer changes"


RULES: dict[tuple[str, str], Callable[[Item, Item], str]] = {
    ("DONOR", "FACT"): _unchanged, ("DONOR", "GIFT"): _unchanged, ("DONOR", "STATEMENT"): _unchanged,
    ("CUSTOMER", "POINTER"): _unchanged, ("SUBSCRIPTION", "POINTER"): _unchanged, ("CHARGE", "POINTER"): _place,
    ("GIFT", "POINTER"): _checkout, ("DONOR", "PARTNER"): _version, ("DONOR", "MAIL"): _mail,
    ("DONOR", "YEAR"): _counted,
}  # fmt: skip
