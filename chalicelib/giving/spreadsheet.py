"""A donor's gifts as a CSV file (RFC 4180) that a spreadsheet opens and never runs. Pure: gifts in, text out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable

from chalicelib.giving.gift import Gift
from chalicelib.giving.gift_view import Happening
from chalicelib.money import Money

# Without it Excel takes UTF-8 for the machine's own alphabet and breaks every accent.
BYTE_ORDER_MARK = "\ufeff"
COLUMNS = (
    "Date", "Amount", "Currency", "Refunded", "Disputed", "Kept", "State", "Frequency", "Fund", "Paid by",
    "Tribute", "Tribute name", "What happened", "Taken by", "Gift",
)  # fmt: skip
# What a spreadsheet takes for the beginning of a formula, also in its full-width forms, and also after a character
# that separates cells in another country's settings. Line breaks and tabs are gone before this is looked for.
# Source: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = re.compile(r"""(^|[;,|])([\s"']*)([=+\-@＝＋－＠])""")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\s]+")
# Lambda answers with at most 6 MB (6,291,556 bytes) of JSON, in which the file is one string; the rest is for headers.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 6_000_000
HAPPENED = {
    "refund": "refunded", "refund_failed": "refund failed", "dispute": "disputed", "dispute_won": "dispute won back",
    "dispute_lost": "dispute lost",
}  # fmt: skip

Told = Callable[[Gift], list[Happening]]


def written(gifts: Iterable[Gift], *, funds: dict[str, str], entities: dict[str, str], told: Told) -> str:
    """The file: a line for each gift, amounts in whole units with a point, each beside its currency."""
    file = io.StringIO()
    lines = csv.writer(file, quoting=csv.QUOTE_ALL)
    lines.writerow(COLUMNS)
    for gift in gifts:
        about = gift.about
        fund, entity = funds.get(about.fund, about.fund), entities.get(gift.entity, gift.entity)
        tribute = about.tribute_kind.replace("_", " "), about.tribute_name
        texts = (fund, gift.method, *tribute, _story(told(gift), gift.money.currency), entity, gift.gift_id)
        lines.writerow([*_figures(gift), *map(cell, texts)])
    return BYTE_ORDER_MARK + file.getvalue()


def fits(text: str) -> bool:
    """Whether one answer holds the file: a character that is not ASCII takes six bytes there."""
    return len(json.dumps(text)) <= MOST_BYTES


def cell(text: str) -> str:
    """The text on one line, and with a ' before whatever a spreadsheet would take for a formula."""
    return FORMULA.sub(r"\1\2'\3", CONTROLS.sub(" ", text).strip())


def _figures(gift: Gift) -> list[str]:
    moved = (gift.refunded, gift.money - gift.kept - gift.refunded, gift.kept)
    amounts = [_plain(gift.money), gift.money.currency.upper(), *map(_plain, moved)]
    return [gift.given_on.isoformat(), *amounts, gift.state, gift.about.frequency]


def _story(happened: list[Happening], currency: str) -> str:
    return ". ".join(
        f"{HAPPENED[each.kind]} {_plain(Money(each.amount, currency))}{f' on {each.on}' if each.on else ''}"
        for each in happened
    )


def _plain(money: Money) -> str:
    return f"{money.major:f}"
