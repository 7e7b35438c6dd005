"""
Stripe's own word on our requests, and on the stand-in's answers. `make contract` starts stripe-mock for it.

stripe-mock knows no state: it tells whether a request may be asked at all.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.openapi import Description
from tests.contract.recording import Sent

PASSED_ON = ("Authorization", "Content-Type", "Idempotency-Key", "Stripe-Version")


@pytest.fixture(scope="module")
def description() -> Description:
    return Description(Path(os.environ["STRIPE_SPEC"]))


def asked(sent: Sent) -> requests.Response:
    """stripe-mock's answer to the very request that the SDK sent."""
    headers = {name: str(sent.headers[name]) for name in PASSED_ON if name in sent.headers}
    url = f"{os.environ['STRIPE_MOCK']}{sent.path}?{sent.query}"
    return requests.request(sent.method, url, data=sent.body, headers=headers, timeout=10)


def at(answer: Any, path: list[str]) -> Iterator[Any]:
    """What stands at a dotted path, of each thing in a list."""
    if not path:
        yield answer
    elif isinstance(answer, list):
        for each in answer:
            yield from at(each, path)
    else:
        yield from at(answer.get(path[0]), path[1:])


def test_stripe_accepts_every_request_of_ours(recorded: list[Sent]) -> None:
    """Method, path and each parameter by its name and type."""
    refused = {f"{sent.asked_by}: {answer.text}" for sent in recorded if not (answer := asked(sent)).ok}

    assert refused == set()


def test_stripe_expands_what_we_ask_to_have_expanded(recorded: list[Sent]) -> None:
    """Stripe refuses an expansion that it does not know; stripe-mock overlooks most, so what came back is looked at."""
    wanted = [(sent, path) for sent in recorded for path in sent.params.get("expand", {}).values()]

    left = {path for sent, path in wanted for found in at(asked(sent).json(), path.split(".")) if not isinstance(found, dict)}

    assert left == set()
    assert len({path for _, path in wanted}) >= 8


def test_stripe_knows_each_parameter_of_ours(recorded: list[Sent], description: Description) -> None:
    """Also those deep inside, by Stripe's own description: name, kind, and value where only some are allowed."""
    assert {fault for sent in recorded for fault in description.misread(sent)} == set()


SPOILT = [
    ("create_checkout", lambda sent: sent._replace(body=sent.body + "&submit=donate")),
    ("create_checkout", lambda sent: sent._replace(body=sent.body.replace("submit_type=donate", "submit_type=gift"))),
    ("create_checkout", lambda sent: sent._replace(body=sent.body.replace("expires_at=", "expires_at=x"))),
    ("disputes_of", lambda sent: sent._replace(query=sent.query.replace("charge=", "charges="))),
    ("change_subscription", lambda sent: sent._replace(body="pause_collection[behavior]=wait")),
    ("change_subscription", lambda sent: sent._replace(body="billing_cycle_anchor[type]=now")),
    ("invoice_paid_by", lambda sent: sent._replace(query=sent.query.replace("payment[type]", "payment[kind]"))),
    ("cancel_subscription", lambda sent: sent._replace(query="reason=x")),
]
SPOILT_INSIDE = [
    ("create_checkout", lambda sent: sent._replace(body=sent.body + "&line_items[0][price_data][amount]=5")),
    ("create_checkout", lambda sent: sent._replace(body=sent.body + "&subscription_data[meta][gift_id]=x")),
    ("made_between", lambda sent: sent._replace(query=sent.query.replace("created[gte]", "created[since]"))),
    ("cancel_subscription", lambda sent: sent._replace(query="cancellation_details[because]=x")),
]


@pytest.mark.parametrize(("function", "spoil"), SPOILT)
def test_stripe_mock_refuses_what_stripe_does_not_know(recorded: list[Sent], function: str, spoil: Any) -> None:
    """A checker that accepts everything shows nothing. The anchor as an object is of endive, newer than this stripe-mock."""
    sent = next(each for each in recorded if each.asked_by == function)

    assert (asked(sent).ok, asked(spoil(sent)).ok) == (True, False)


@pytest.mark.parametrize("spoil", [{"path": "/v1/charge/ch_1"}, {"method": "PUT"}, {"headers": {}}])
def test_stripe_mock_refuses_what_is_no_call_of_stripe_s(recorded: list[Sent], spoil: dict[str, Any]) -> None:
    """Another path, another method, no key."""
    sent = next(each for each in recorded if each.asked_by == "charge")

    assert not asked(sent._replace(**spoil)).ok


@pytest.mark.parametrize(("function", "spoil"), SPOILT + SPOILT_INSIDE)
def test_the_description_refuses_what_stripe_does_not_know(recorded: list[Sent], description: Description, function: str, spoil: Any) -> None:
    """What stripe-mock lets pass further in does not pass here."""
    sent = next(each for each in recorded if each.asked_by == function)

    assert len(description.misread(spoil(sent))) == 1


def test_the_stand_in_answers_in_stripe_s_shapes(recorded: list[Sent], description: Description) -> None:
    """What Stripe leaves out is left out, what it calls null is null, and an expanded object is whole."""
    assert {fault for sent in recorded for fault in description.faults(sent)} == set()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda charge: charge.pop("amount"),
        lambda charge: charge.update(amount="5000"),
        lambda charge: charge.update(presentment_details=None),
        lambda charge: charge.update(status="done"),
        lambda charge: charge["billing_details"].update(email=1),
        lambda charge: charge["payment_intent"].pop("id"),
    ],
)
def test_the_description_sees_what_is_wrong(recorded: list[Sent], description: Description, spoil: Any) -> None:
    """Also deep inside what was expanded."""
    sent = next(each for each in recorded if each.asked_by == "charge")
    wrong = copy.deepcopy(sent.answer)
    spoil(wrong)

    assert description.faults(sent) == []
    assert description.faults(sent._replace(answer=wrong)) != []
