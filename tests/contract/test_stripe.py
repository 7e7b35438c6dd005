"""What our code asks of Stripe, all of it recorded: nothing forgotten, nothing past the one door."""

from __future__ import annotations

from chalicelib.processor import stripe_api
from tests.contract import recording
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
    assert {sent.headers["Idempotency-Key"].rpartition("-")[0] for sent in pages} == {
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
