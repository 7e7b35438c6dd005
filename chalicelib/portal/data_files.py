"""What is held of a donor as files in a zip: each kind for programs (JSON) and as a table (CSV). Pure."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.giving.spreadsheet import BYTE_ORDER_MARK, cell

Row = Mapping[str, Any]
# The same rows give the same bytes: a zip's own dates begin in 1980.
NO_DATE = (1980, 1, 1, 0, 0, 0)

READ_ME = """This is everything that {name} holds of you, as of {at}.

Each kind of thing is here twice: as a table (.csv, for a spreadsheet) and for programs (.json).
gifts.csv has amounts as you know them. Everywhere else amounts are in the smallest unit of their
currency: 5000 with "usd" is 50 dollars. Moments are in UTC.

A ' before a text stands there so that no spreadsheet takes it for a formula.

gift_aid_waiting says for which unpaid gifts a Gift Aid declaration waits that was made beside one
of your addresses, and until when. The name and home in it are not shown: whoever filled in that
form may have typed your address. One without made_at waits no more. Once the gift is paid, the
whole declaration is in gift_aid_declarations of whoever paid it.

Not in here: receipts and statements themselves, which you fetch from the portal as PDF; earlier
copies like this one, which are deleted after a day; the words of mails, which are not kept; hashes
of your addresses, of what signs you in, and of codes that were mailed to you; the entries by which
your addresses, gifts, charges and monthly gifts are found, each with the payment page that it was
begun on; for two days, that a mail which is not about money was sent; and counts against abuse,
which are kept for hours or days under a hash that leads to nobody. A Gift Aid declaration that
waits for a gift to be paid, beside which no address was typed, leads to nobody either. Stripe,
which took the payments, holds records of its own.
"""


def packed(kinds: Mapping[str, list[Row]], more: Mapping[str, str]) -> bytes:
    """The zip: every kind as JSON and CSV, an empty one too, and `more` files by their names."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as files:
        for name, text in {**more, **_written(kinds)}.items():
            files.writestr(zipfile.ZipInfo(name, NO_DATE), text, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def table(rows: Iterable[Row]) -> str:
    """The rows as CSV (RFC 4180). What lies deeper has a column of its own, `address.city`; a list is JSON in one."""
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    file = io.StringIO()
    lines = csv.writer(file, quoting=csv.QUOTE_ALL)
    lines.writerow(map(cell, columns))
    lines.writerows([_cell(row.get(name)) for name in columns] for row in flat)
    return BYTE_ORDER_MARK + file.getvalue()


def _written(kinds: Mapping[str, list[Row]]) -> dict[str, str]:
    files = {}
    for kind, rows in kinds.items():
        files[f"{kind}.json"] = json.dumps(rows, ensure_ascii=False, indent=1)
        files[f"{kind}.csv"] = table(rows)
    return files


def _flat(row: Row, under: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        found |= _flat(value, f"{under}{name}.") if isinstance(value, Mapping) else {f"{under}{name}": value}
    return found


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return cell(json.dumps(value, ensure_ascii=False))
    return "" if value is None else cell(str(value))
