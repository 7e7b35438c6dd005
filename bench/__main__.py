"""
Speed as ratios, each against a baseline measured in the same run.

A ratio says the same on a slow machine as on a fast one. `make bench`
prints them; nothing fails on them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import timeit
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

ENVIRONMENT = {
    "STAGE": "local", "SITE_URL": "http://127.0.0.1:8000", "GIVING_TABLE": "g", "SIGNUPS_TABLE": "s",
    "PASSING_TABLE": "p", "MONEY_QUEUE": "m", "MAIL_QUEUE": "q", "DOCUMENTS_BUCKET": "d",
    "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
    "STRIPE_API_KEY": "sk_test_local", "STRIPE_WEBHOOK_SECRET": "whsec_local_0123456789abcdef",
    "TOKEN_SECRET": "x" * 40, "AWS_DEFAULT_REGION": "us-east-1",
}  # fmt: skip


def main() -> None:
    """Measure and print one line a comparison."""
    os.environ.update(ENVIRONMENT)
    print(f"{'what':<52}{'ms':>9}{'baseline':>11}{'ratio':>8}")
    _cold_start()
    _folding()
    _history()
    _pages()


def _say(what: str, ours: float, baseline: float) -> None:
    print(f"{what:<52}{ours * 1000:>9.2f}{baseline * 1000:>11.2f}{ours / baseline:>8.2f}")


def _best(work: Callable[[], object], times: int = 5) -> float:
    return min(timeit.repeat(work, number=1, repeat=times))


def _process(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def _cold_start() -> None:
    bare = _best(_process("pass"))
    chalice = _best(_process("import chalice")) - bare
    client = _best(_process("import boto3; boto3.client('dynamodb')")) - bare
    ours = _best(_process("import app")) - bare
    _say("import app, against import chalice", ours, chalice)
    _say("import app, against a first DynamoDB client", ours, client)


def _folding() -> None:
    from chalicelib.giving.gift import About, Fact, Payment, fold_all  # noqa: PLC0415
    from chalicelib.money import Money  # noqa: PLC0415

    start = datetime(2020, 1, 1, tzinfo=UTC)
    facts = [
        Fact("payment", f"ch_{n}", f"ch_{n}", at := start + timedelta(hours=n), at, Money(50_00, "usd"),
             payment=Payment(About(f"{n:032}"), "us", date(2020, 1, 1)))
        for n in range(10_000)
    ]  # fmt: skip
    _say("fold 10,000 gifts, against sorting their facts", _best(lambda: fold_all(facts)),
         _best(lambda: sorted(facts, key=lambda fact: fact.charge_id)))  # fmt: skip


def _history() -> None:
    from bench.history import LOOKS, Partition  # noqa: PLC0415
    from chalicelib.giving import history  # noqa: PLC0415
    from chalicelib.statements import shelf  # noqa: PLC0415

    def look(asked: dict[str, str]) -> float:
        return _best(lambda: history.page(("d",), **asked))

    with Partition(300):
        first = _best(lambda: history.page(("d",)), times=1)
        of_few = {name: look(asked) for name, asked in LOOKS.items()}
        first_shelf = _best(lambda: shelf.years(("d",)), times=1)
        shelf_of_few = _best(lambda: shelf.years(("d",)))
    with Partition(10_000):
        _say("giving, first look ever at 10,000, against 300", _best(lambda: history.page(("d",)), times=1), first)
        for name, asked in LOOKS.items():
            _say(f"giving, {name} at 10,000, against 300", look(asked), of_few[name])
        first_of_many = _best(lambda: shelf.years(("d",)), times=1)
        _say("statements, first look ever at 10,000, against 300", first_of_many, first_shelf)
        _say("statements, list at 10,000, against 300", _best(lambda: shelf.years(("d",))), shelf_of_few)
        file = _best(lambda: history.table(("d",)), times=2)
        _say("giving as CSV at 10,000, against a page", file, of_few["first page"])


def _pages() -> None:
    from chalicelib.site import pages, stories  # noqa: PLC0415

    template = pages._templates().from_string("<p>{{ charity.name }}</p>")  # noqa: SLF001 - the baseline
    problem = _best(lambda: pages.render("portal/sign_in.html"))
    _say("render the sign-in page, against a one-line template", problem, _best(template.render))
    assert stories.STORIES


if __name__ == "__main__":
    main()
