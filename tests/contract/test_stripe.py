"""What our code asks of Stripe, all of it recorded: nothing forgotten, nothing past the one door."""

from __future__ import annotations

import pytest
import stripe

from chalicelib.processor import stripe_api
from tests.contract import recording, sdk_params
from tests.contract.recording import Sent


def test_no_call_to_stripe_is_left_out_of_the_recording(recorded: list[Sent]) -> None:
    """
    A new function of stripe_api wants a way in recording.py; a request past stripe_api shows as an empty name.
    """
    assert {sent.asked_by for sent in recorded} == recording.functions()


def test_every_request_was_granted(recorded: list[Sent]) -> None:
    """A recording of refusals would show nothing of what Stripe accepts."""
    assert {(sent.method, sent.path, sent.status) for sent in recorded if sent.status != 200} == set()


def test_every_request_names_our_version(recorded: list[Sent]) -> None:
    """Stripe would take the account's own otherwise, which somebody may change on its dashboard."""
    assert {sent.headers["Stripe-Version"] for sent in recorded} == {stripe_api.API_VERSION}


def test_every_change_carries_a_key_and_a_page_s_key_is_its_gift_s(recorded: list[Sent]) -> None:
    """The SDK repeats a call whose answer was lost; a new page for the same attempt of a gift must be the same page."""
    changes = [sent for sent in recorded if sent.method == "POST"]
    pages = [sent for sent in changes if sent.asked_by == "create_checkout"]

    assert all(sent.headers["Idempotency-Key"] for sent in changes)
    assert {sent.headers["Idempotency-Key"].rsplit("-", 2)[0] for sent in pages} == {
        f"gift-{sent.params['client_reference_id']}" for sent in pages
    }


def test_every_list_has_a_limit_and_goes_on_from_its_last(recorded: list[Sent]) -> None:
    """No list is read for ever, and none is taken for whole after its first page."""
    lists = [sent for sent in recorded if sent.answer.get("object") == "list"]

    assert {sent.params["limit"] for sent in lists} == {str(stripe_api.PAGE)}
    assert [sent.path for sent in lists if sent.answer["has_more"]] == [
        sent.path for sent in lists if "starting_after" in sent.params
    ]
    assert any("starting_after" in sent.params for sent in lists)


def test_every_parameter_is_one_that_the_sdk_declares_at_our_version(recorded: list[Sent]) -> None:
    """Name by name, into every hash; also where no stripe-mock is at hand, or an older one."""
    assert stripe.api_version == stripe_api.API_VERSION
    assert {stray for sent in recorded for stray in sdk_params.unknown(sent)} == set()


@pytest.mark.parametrize(
    ("function", "spoilt", "name"),
    [
        ("create_checkout", "mode=payment&payment_method_types[0]=card", "[payment_method_types]"),
        ("change_subscription", "billing_cycle_anchor=now", "[billing_cycle_anchor]=now"),
        ("create_checkout", "mode=present", "[mode]=present"),
        ("create_checkout", "mode=payment&line_items[0][price_data][amount]=5", "[line_items][0][price_data][amount]"),
        ("create_checkout", "expires_at=soon", "[expires_at]=soon"),
        ("change_subscription", "pause_collection[behavior]=wait", "[pause_collection][behavior]=wait"),
        ("cancel_subscription", "cancellation_details[because]=x", "[cancellation_details][because]"),
    ],
)
def test_what_our_version_does_not_know_is_seen(recorded: list[Sent], function: str, spoilt: str, name: str) -> None:
    """Among it what endive took away: the first two would pass a stripe-mock of the version before it."""
    sent = next(each for each in recorded if each.asked_by == function)

    assert sdk_params.unknown(sent._replace(query="", body=spoilt)) == [f"{function}: {name}"]
