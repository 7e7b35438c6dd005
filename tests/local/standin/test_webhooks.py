import pytest
import stripe

DAY = 24 * 60 * 60


def test_a_delivery_is_signed_with_the_shared_clock(standin, give, site):
    """The site's own clock may be far from the wall's; both are the same machine."""
    give()
    standin.tick()

    event = site.received[-1]
    assert ("2026-10-28.endive", False, 1) == (event.api_version, event.livemode, event.pending_webhooks)
    assert site.types == [each["type"] for each in standin.events()]
    assert 0 == standin.events()[-1]["pending_webhooks"]


def test_a_refused_delivery_is_retried_for_three_days(standin, client, site):
    """After that nobody hears of it again; only List Events knows."""
    site.answers = 500
    made = client.v1.customers.create({"name": "Ada"})
    standin.advance(made.created + 4 * DAY)
    tries = len(site.received)
    site.answers = 200
    standin.advance(made.created + 10 * DAY)

    assert 10 < tries == len(site.received)
    assert site.received[-1].id == client.v1.events.list({"type": "customer.created"}).data[0].id


def test_a_delivery_gets_through_once_the_site_is_back(standin, client, site):
    """A site that cannot be reached is a site that failed."""
    site.answers = ConnectionRefusedError()
    made = client.v1.customers.create({"name": "Ada"})
    standin.tick()
    site.answers = 200
    standin.advance(made.created + 60)

    assert ["customer.created"] == site.types


@pytest.mark.parametrize(("order", "expected"), [("sent", "AABB"), ("reversed", "BBAA")])
def test_held_deliveries_are_flushed_in_the_order_asked_for(standin, client, site, order, expected):
    """Stripe promises at least once, in any order; here both can be had on demand."""
    standin.set_webhooks("hold")
    for name in "AB":
        client.v1.customers.create({"name": name})
    standin.tick()
    assert [] == site.received

    counts = standin.flush(order, times=2)

    names = "".join(each.data.object["name"] for each in site.received)
    assert sorted(expected) == sorted(names) and expected[0] == names[0]
    assert {"events": 2, "deliveries": 4, "accepted": 4, "failed": 0} == counts


def test_a_dropped_event_is_lost_but_listed(standin, client, site):
    """What reconciling is for."""
    standin.set_webhooks("drop")
    client.v1.customers.create({"name": "Ada"})
    standin.set_webhooks("normal")
    standin.tick()

    assert [] == site.received
    assert ["customer.created"] == [each.type for each in client.v1.events.list().data]


def test_events_reach_back_thirty_days(standin, client):
    """A site that was away for longer must list objects, not events."""
    made = client.v1.customers.create({"name": "Ada"})
    standin.advance(made.created + 31 * DAY)

    assert [] == client.v1.events.list().data


def test_updates_tell_what_was_before(standin, client, site):
    """`previous_attributes` holds only what changed."""
    customer = client.v1.customers.create({"name": "Ada"})
    client.v1.customers.update(customer.id, {"name": "Ada L."})
    standin.tick()

    assert {"name": "Ada"} == site.received[-1].data.previous_attributes.to_dict()
    assert isinstance(site.received[-1], stripe.Event)
