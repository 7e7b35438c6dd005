import pytest
import requests

from .conftest import ASKS, DECLINED, FAILS_LATER, GOOD, at, wanted

TYPED = {"email": "ada@example.org", "name": "Ada", "method": "card", "card_number": "4242 4242 4242 4242",
         "expiry": "12 / 34", "cvc": "123", "country": "US", "postal_code": "94107", "account_number": ""}


@pytest.fixture
def browser():
    with requests.Session() as session:
        yield session


def press(browser, url, **typed):
    return browser.post(url, data=typed, allow_redirects=False, timeout=5)


def test_the_page_shows_what_is_given_and_changes_nothing(client, browser, standin):
    """Looking at a link, as mail scanners do, is not giving."""
    session = client.v1.checkout.sessions.create(wanted("subscription", customer_email="ada@example.org"))
    page = browser.get(session.url, timeout=5)

    for words in ("No real money", "$50.00 USD every month", "Gift", "http://site/give", "ada@example.org",
                  "4000 0000 0000 0341"):
        assert words.lower() in page.text.lower()
    assert 0 == standin.state()["counts"]["payment_intent"]


def test_a_paid_page_leads_back_to_the_site(client, browser):
    """The placeholder in `success_url` becomes the session's id, and the page is over."""
    session = client.v1.checkout.sessions.create(wanted())
    answer = press(browser, session.url, **TYPED)

    assert (303, f"http://site/thanks?s={session.id}") == (answer.status_code, answer.headers["Location"])
    assert 410 == browser.get(session.url, timeout=5).status_code
    assert "94107" == client.v1.checkout.sessions.retrieve(session.id).customer_details.address.postal_code


@pytest.mark.parametrize(("typed", "says"), [
    ({"card_number": DECLINED}, "declined"), ({"email": ""}, "email"), ({"expiry": "x"}, "expires"),
    ({"card_number": "123"}, "number is incorrect")])
def test_a_refused_page_keeps_what_was_typed(client, browser, typed, says):
    """The donor mends one field, not all of them."""
    session = client.v1.checkout.sessions.create(wanted())
    page = press(browser, session.url, **TYPED | typed)

    assert 402 == page.status_code and says in page.text and 'value="Ada"' in page.text
    assert 'role="alert"' in page.text


@pytest.mark.parametrize("left_out", ["line1", "city", "postal_code"])
def test_a_page_that_wants_the_whole_address_takes_nothing_less(client, browser, left_out):
    """As Stripe's own does where `billing_address_collection` is `required`; it is then on charge and customer."""
    session = client.v1.checkout.sessions.create(
        wanted(billing_address_collection="required", customer_creation="always"))
    typed = TYPED | {"line1": "1 Main Street", "city": "Ottawa", "state": "ON"}
    refused = press(browser, session.url, **typed | {left_out: ""})

    assert 402 == refused.status_code and "billing address" in refused.text and 'id="line1"' in refused.text
    assert 303 == press(browser, session.url, **typed).status_code
    charge, = client.v1.charges.list({"expand": ["data.customer"]}).data
    assert "Ottawa" == charge.billing_details.address.city == charge.customer.address.city


@pytest.mark.parametrize(("answer", "status"), [("yes", 303), ("no", 402)])
def test_three_d_secure_asks_in_between(client, browser, answer, status):
    """Confirming pays; refusing leads back to the form."""
    session = client.v1.checkout.sessions.create(wanted())
    asked = press(browser, session.url, **TYPED | {"card_number": ASKS})
    assert "is this you" in asked.text

    assert status == press(browser, f"{session.url}/confirm", answer=answer).status_code


def test_the_portal_changes_the_card(client, browser, standin, give):
    """The page names the card in use, before and after."""
    monthly = give(FAILS_LATER, mode="subscription")
    portal = client.v1.billing_portal.sessions.create({"customer": monthly.customer, "return_url": "http://site/me"})
    assert "ending in 0341" in browser.get(portal.url, timeout=5).text

    press(browser, portal.url, **TYPED)

    page = browser.get(portal.url, timeout=5).text
    assert "ending in 4242" in page and "http://site/me" in page


def test_the_invoice_page_lets_the_donor_confirm(client, browser, standin, give):
    """A renewal that wanted the donor is paid by pressing twice."""
    monthly = give(ASKS, mode="subscription")
    standin.advance(at(2026, 3, 1))
    url = client.v1.invoices.list({"status": "open"}).data[0].hosted_invoice_url
    assert "ending in 3155" in browser.get(url, timeout=5).text

    assert "is this you" in press(browser, url, use="current").text
    press(browser, f"{url}/confirm", answer="yes")

    assert "This payment is paid" in browser.get(url, timeout=5).text
    assert "active" == client.v1.subscriptions.retrieve(monthly.subscription.id).status


def test_an_unknown_page_is_a_404(browser, url):
    """In words for people, not a trace."""
    for path in ("/c/pay/cs_test_x", "/p/session/bps_x", "/i/in_x", "/receipts/ch_x"):
        assert 404 == browser.get(url + path, timeout=5).status_code


def test_a_portal_session_is_open_for_an_hour(client, browser, standin, give):
    """A link from an old mail opens nothing."""
    portal = client.v1.billing_portal.sessions.create({"customer": give(GOOD, mode="subscription").customer})
    standin.advance(portal.created + 3601)

    assert 410 == browser.get(portal.url, timeout=5).status_code
