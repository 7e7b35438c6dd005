"""The books do not depend on the API version in which Stripe tells of a gift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.clock import epoch_seconds
from chalicelib.processor import reconcile
from tests.drift import books
from tests.drift.conftest import Begin
from tests.drift.lives import LIVES
from tests.drift.versions import ACACIA, BASIL, CLOVER, DAHLIA, ENDIVE
from tests.giving_world import World

Life = Callable[[World], None]
# Where the webhook endpoint was made for a version, and where the account answers in it too. Before basil only the
# first: what our calls ask for, InvoicePayment, was not there to answer.
SPOKEN = [(ACACIA, ENDIVE), (BASIL, BASIL), (CLOVER, CLOVER), (DAHLIA, DAHLIA)]


@pytest.mark.slow
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_the_same_life_leaves_the_same_books_in_every_version(begin: Begin, life: Life, caplog: pytest.LogCaptureFixture) -> None:
    """The whole ledger, partnerships among it, every mail, and what reconcile finds: nothing."""
    true = lived(begin(), life)
    assert true[0], "a life that leaves nothing proves nothing"

    for events, answers in SPOKEN:
        assert lived(begin(events=events, answers=answers), life) == true, (events, answers)

    assert "stripe_value_unknown" not in {record.getMessage() for record in caplog.records}


def lived(giving: World, life: Life) -> tuple[Any, ...]:
    """What a life left behind, and whether reconcile agrees with it."""
    born = epoch_seconds()
    life(giving)
    left = books.ledger(), books.mails(giving)
    report = reconcile.between(born, epoch_seconds())
    assert report.agrees, report
    assert (report.facts_healed, books.ledger()) == (0, left[0])
    return *left, {currency: totals.ledger for currency, totals in report.totals.items()}
