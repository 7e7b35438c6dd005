"""What speed rests on, because it is exact: what is imported, and how many calls a request makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib import aws
from local.cloud import Cloud
from tests.giving_world import ANN, World
from tests.over_http import Site

HEAVY = ["stripe", "boto3", "botocore", "typst", "babel", "email_validator", "aws_lambda_powertools", "requests", "moto", "flask"]
SERVICES = ("dynamodb", "counters", "sqs", "s3", "ses")


@contextmanager
def counted() -> Iterator[list[str]]:
    """The AWS operations called meanwhile, in order."""
    calls: list[str] = []
    events = [getattr(aws, name)().meta.events for name in SERVICES]
    for service in events:
        service.register("before-call", lambda model, **_: calls.append(model.name), unique_id="counted")
    yield calls
    for service in events:
        service.unregister("before-call", unique_id="counted")


def test_a_cold_start_imports_nothing_heavy(aws_local: Cloud) -> None:
    """Each of these costs a donor who waits for the first page 20 to 500 ms."""
    look = f"import sys, json, app; print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, env=os.environ)

    assert json.loads(said.stdout) == []


@pytest.mark.parametrize("path", ["/", "/give", "/sign-up", "/portal", "/static/style.css", "/openapi.json", "/health"])
def test_a_page_without_data_asks_nobody(site: Site, path: str) -> None:
    """Pages stay up when everything else is down."""
    with counted() as calls:
        assert site.get(path, accept="text/html,application/json").status == 200

    assert calls == []


def test_a_webhook_is_one_message_and_no_question(giving: World) -> None:
    """Stripe waits ten seconds at most; everything slow is the worker's."""
    gift_id = giving.start()
    giving.pay(gift_id)
    with counted() as calls:
        giving.standin.tick()

    assert set(calls) == {"SendMessage"}


@pytest.mark.parametrize(("path", "body"), [("/portal/sign-in", {"email": ANN}), ("/sign-ups", {"email": ANN, "interests": ["stories"]})])
def test_asking_for_a_mail_is_two_counts_and_one_message(site: Site, path: str, body: dict[str, Any]) -> None:
    """The same for every address: nobody is looked up while the page waits."""
    with counted() as calls:
        assert site.post(path, body).status == 202

    assert calls == ["UpdateItem", "UpdateItem", "SendMessage"]


def test_a_page_of_history_is_a_few_reads_however_many_gifts(giving: World, site: Site) -> None:
    """The session, what the years add up to, the page. The first look after a change adds up the year that changed."""
    giving.give()
    site.sign_in(giving, ANN)
    met = []
    for _ in range(2):
        with counted() as calls:
            site.get("/portal/gifts")
        met.append(calls)

    assert met == [["GetItem", "Query", "Query", "UpdateItem", "Query"], ["GetItem", "Query", "Query"]]
