"""The site answers over HTTP as API Gateway would."""

from __future__ import annotations

import http.client
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import requests
from chalice import Chalice, Response

from local.site_server import BODY_LIMIT_BYTES, SiteServer

VISITORS = 16


@pytest.fixture
def calls():
    return []


@pytest.fixture
def served(calls):
    app = Chalice("served")
    running = SiteServer(_declare(app, calls), port=0)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def connection(served):
    """One connection, kept open from request to request."""
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)) as kept:
        yield kept


def _declare(app, calls):
    @app.route("/page")
    def page():
        calls.append("page")
        cookies = ["one=1; Path=/", "two=2; Path=/"]
        return Response("<p>hello</p>", headers={"Content-Type": "text/html", "Set-Cookie": cookies})

    @app.route("/echo", methods=["POST"], content_types=["application/json", "application/octet-stream"])
    def echo():
        request = app.current_request
        return {
            "length": len(request.raw_body or b""),
            "ip": request.context["identity"]["sourceIp"],
            "tag": (request.query_params or {}).get("tag"),
        }

    @app.route("/nothing", methods=["DELETE"])
    def nothing():
        return Response("", status_code=204)

    @app.route("/broken")
    def broken():
        raise ValueError("inside")

    return app


def test_what_is_not_there_is_404_in_our_shape(served):
    """
    The gateway's own answers have the one error shape, from the description that production uses.
    """
    answer = requests.get(f"{served.url}/wp-login.php", timeout=5)

    assert (404, "not_found") == (answer.status_code, answer.json()["error"]["code"])


@pytest.mark.parametrize(("path", "status"), [("/wp-login.php", 404), ("/echo", 405)])
def test_a_browser_is_shown_a_page_with_ways_on(served, path, status):
    """
    Whoever mistypes an address, or opens a form's address anew, is a person.
    """
    answer = requests.get(f"{served.url}{path}", headers={"Accept": "text/html,*/*;q=0.8"}, timeout=5)

    assert (status, "text/html") == (answer.status_code, answer.headers["Content-Type"])
    assert '<html lang="en">' in answer.text
    assert '<a href="/portal">' in answer.text


def test_head_runs_no_view(connection, calls):
    """
    Mail scanners ask HEAD for every link; nothing may happen, and no body may follow.
    """
    connection.request("HEAD", "/page")
    answer = connection.getresponse()

    assert (405, b"", []) == (answer.status, answer.read(), calls)


def test_a_method_that_is_not_declared_runs_no_view(served, calls):
    """
    A view is reached by its own methods only.
    """
    assert 405 == requests.post(f"{served.url}/page", timeout=5).status_code
    assert [] == calls


def test_a_body_arrives_byte_for_byte(served):
    """
    Stripe's signature covers bytes; a byte changed on the way would refuse a real event.
    """
    sent = bytes(range(256)) * 10
    answer = requests.post(
        f"{served.url}/echo", data=sent, headers={"Content-Type": "application/octet-stream"}, timeout=5
    )

    assert len(sent) == answer.json()["length"]


def test_a_post_without_a_body_is_fine(served):
    """
    `POST …/resume` has nothing to say.
    """
    assert (
        200 == requests.post(f"{served.url}/echo", headers={"Content-Type": "application/json"}, timeout=5).status_code
    )


def test_a_body_beyond_the_gateways_limit_is_refused_unread(connection):
    """
    API Gateway takes ten megabytes; a larger one never reaches a view.
    """
    connection.putrequest("POST", "/echo")
    connection.putheader("Content-Length", str(BODY_LIMIT_BYTES + 1))
    connection.endheaders()
    answer = connection.getresponse()

    assert (413, "too_long") == (answer.status, json.loads(answer.read())["error"]["code"])


def test_one_connection_serves_many_requests(connection):
    """
    Browsers keep a connection; what one answer leaves on it would garble the next.
    """
    statuses = []
    for method, path in (("GET", "/page"), ("HEAD", "/page"), ("DELETE", "/nothing"), ("GET", "/no"), ("GET", "/page")):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)

    assert [200, 405, 204, 404, 200] == statuses


def test_every_cookie_has_its_own_line(served):
    """
    Cookies joined by commas are read as one.
    """
    assert {"one": "1", "two": "2"} == requests.get(f"{served.url}/page", timeout=5).cookies.get_dict()


def test_the_address_is_the_sockets_whatever_a_header_says(served):
    """
    Limits count by address; a caller who could choose it would have none.
    """
    claimed = {"X-Forwarded-For": "8.8.8.8", "Content-Type": "application/json"}

    assert "127.0.0.1" == requests.post(f"{served.url}/echo", headers=claimed, timeout=5).json()["ip"]


def test_requests_at_once_do_not_read_each_other(served):
    """
    Chalice keeps the current request on the app, so two at once inside it would mix.
    """

    def ask(tag):
        headers = {"Content-Type": "application/json"}
        return requests.post(f"{served.url}/echo?tag={tag}", headers=headers, timeout=10).json()["tag"]

    with ThreadPoolExecutor(VISITORS) as pool:
        assert [str(tag) for tag in range(100)] == list(pool.map(ask, range(100)))


def test_the_log_has_no_query_string(served, caplog):
    """
    Links in mails carry tokens; a log that kept them would be a bunch of keys.
    """
    with caplog.at_level(logging.INFO, "local.site"):
        requests.get(f"{served.url}/page?token=secret", timeout=5)

    assert "GET /page 200" in caplog.text
    assert "secret" not in caplog.text


def test_a_broken_view_answers_500_and_the_site_goes_on(served):
    """
    One bad page must not take the others with it.
    """
    assert 500 == requests.get(f"{served.url}/broken", timeout=5).status_code
    assert 200 == requests.get(f"{served.url}/page", timeout=5).status_code
