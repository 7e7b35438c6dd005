import pytest
import stripe

from local.standin.mishaps import AnswerLost

from .conftest import wanted


def test_the_same_key_is_the_same_answer(client, standin):
    """A retry after a lost answer makes nothing new."""
    first = client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    again = client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})

    assert first.id == again.id
    assert "true" == again.last_response.headers["Idempotent-Replayed"]
    assert 1 == standin.state()["counts"]["customer"]


def test_the_same_key_with_other_parameters_is_refused(client):
    """A key stands for one wish."""
    client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.customers.create({"name": "Bob"}, {"idempotency_key": "k"})
    assert 400 == refused.value.http_status


def test_a_key_is_forgotten_after_a_day(client, standin):
    """A retry later than that pays twice."""
    first = client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    standin.advance(first.created + 24 * 60 * 60)

    assert first.id != client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"}).id


def test_a_stored_500_is_replayed(client, standin):
    """Retrying with the same key never heals a 500."""
    standin.fail(method="POST", path="/v1/customers", status=500, take_effect=True)

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    assert 1 == standin.state()["counts"]["customer"]


@pytest.mark.parametrize("status", [429, 409])
def test_what_came_before_any_work_is_not_kept(client, standin, status):
    """A rate limit or a lock is gone when the same key comes again."""
    standin.fail(path="/v1/customers", status=status)

    with pytest.raises(stripe.StripeError):
        client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    assert client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"}).id


def test_a_validation_error_does_not_use_up_the_key(client):
    """Nothing had begun, so nothing is kept."""
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(wanted(amount=1), {"idempotency_key": "k"})

    assert client.v1.checkout.sessions.create(wanted(), {"idempotency_key": "k"}).id


@pytest.mark.parametrize(("take_effect", "made"), [(True, 1), (False, 0)])
def test_a_lost_answer_leaves_the_caller_in_doubt(client, standin, take_effect, made):
    """The third outcome: neither succeeded nor failed. The same key resolves it."""
    standin.fail(method="POST", path="/v1/customers", timeout=True, take_effect=take_effect)

    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    assert made == standin.state()["counts"]["customer"]

    client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    assert 1 == standin.state()["counts"]["customer"]


def test_a_key_in_use_is_a_conflict(standin):
    """Two tabs pressing at once: the second is told to wait, not served twice."""
    def press():
        return standin.request("POST", "/v1/customers", {"name": "Ada"}, {"Idempotency-Key": "k"})

    standin.fail(path="/v1/customers", timeout=True, take_effect=True, hold_seconds=60)
    with pytest.raises(AnswerLost) as held:
        press()

    assert (409, "idempotency_key_in_use") == (press().status, press().body["error"]["code"])
    held.value.release()
    assert "true" == press().headers["Idempotent-Replayed"]
