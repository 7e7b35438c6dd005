import pytest
import stripe

from local.standin import Standin
from local.standin.forms import decode
from local.standin.refusals import Refused

from .conftest import SECRET, StoppedClock, wanted


def test_only_test_keys_open_the_door(url):
    """A live key must never be taken here."""
    live = stripe.StripeClient("sk_" + "live_x", base_addresses={"api": url}, max_network_retries=0)

    with pytest.raises(stripe.AuthenticationError):
        live.v1.customers.list()


def test_another_version_is_refused(client):
    """Shapes differ between versions; a silent mismatch would hide it."""
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        client.v1.customers.list({}, {"stripe_version": "2024-06-20"})


def test_lists_page_newest_first(client):
    """Cursors never repeat or skip, in both directions."""
    made = [client.v1.customers.create({"name": str(i)}).id for i in range(5)][::-1]

    first = client.v1.customers.list({"limit": 2})
    then = client.v1.customers.list({"limit": 2, "starting_after": made[1]})
    back = client.v1.customers.list({"limit": 2, "ending_before": made[3]})

    assert (made[:2], True) == ([each.id for each in first.data], first.has_more)
    assert made[2:4] == [each.id for each in then.data]
    assert (made[1:3], True) == ([each.id for each in back.data], back.has_more)
    assert made == [each.id for each in client.v1.customers.list({"limit": 2}).auto_paging_iter()]


def test_a_list_keeps_within_created(client, standin):
    """Reconciling asks by time, with each of the four bounds."""
    old = client.v1.customers.create({"name": "old"})
    standin.advance(old.created + 100)
    new = client.v1.customers.create({"name": "new"})

    for bounds, expected in [({"gt": old.created}, [new.id]), ({"lte": old.created}, [old.id]),
                             ({"gte": old.created, "lt": new.created}, [old.id])]:
        assert expected == [each.id for each in client.v1.customers.list({"created": bounds}).data]


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_one_to_a_hundred(client, limit):
    """More is refused, not clipped."""
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.list({"limit": limit})


@pytest.mark.parametrize("path", [
    "amount", "data.customer", "customer.invoice_settings.default_payment_method.customer.x"])
def test_what_cannot_be_expanded_is_refused(client, give, path):
    """A misspelt path would otherwise answer ids for ever."""
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.charges.retrieve(give().payment_intent.latest_charge.id, {"expand": [path]})


def test_metadata_merges(client):
    """Named keys change, empty ones go, the others stay."""
    customer = client.v1.customers.create({"metadata": {"a": "1", "b": "2", "2026": "x"}})
    updated = client.v1.customers.update(customer.id, {"metadata": {"a": "", "c": "3"}})

    assert {"b": "2", "c": "3", "2026": "x"} == updated.metadata.to_dict()
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.update(customer.id, {"metadata": {"a": "x" * 501}})


def test_an_unknown_id_is_a_404_in_stripes_shape(client):
    """Code and parameter tell which of several ids was wrong."""
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.charges.retrieve("ch_nothing")
    assert (404, "resource_missing", "id") == (
        missing.value.http_status, missing.value.code, missing.value.param)


def test_the_account_says_who_it_is(client):
    assert "acct_local" == client.v1.accounts.retrieve_current().id


def test_bracketed_forms_are_read():
    """Lists come as `[]` or with an index; hashes with digits for names stay hashes until read."""
    assert {"a": {"0": {"b": "1"}}, "e": ["x", "y"], "m": {"k": ""}} == decode(
        "a[0][b]=1&e[]=x&e[]=y&m[k]=")
    with pytest.raises(Refused):
        decode("a=1&a[b]=2")


def test_equal_seeds_give_equal_ids():
    """A simulation that failed can be run again."""
    def run(seed: int) -> str:
        from datetime import UTC, datetime
        standin = Standin(StoppedClock(datetime(2026, 1, 1, tzinfo=UTC)), SECRET, seed)
        return standin.request("POST", "/v1/checkout/sessions", wanted()).body["id"]

    assert run(1) == run(1) != run(2)


def test_advancing_never_goes_back(standin):
    """Renewals and keys have no meaning in a reversed order."""
    with pytest.raises(Exception, match="forward"):
        standin.advance(0)
