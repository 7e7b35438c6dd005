"""A copy of everything that is held: complete, only one's own, and safe to open."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest
import requests

from chalicelib import items, keys
from chalicelib.errors import Conflict
from chalicelib.portal import data_files, export
from local.cloud import description
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal.calls import everything, recorded
from tests.portal.test_email_change import change
from tests.portal.test_erasure import NAME, PHONE, ROSA, STREET, whole_life

BOB, NEW = "bob@example.org", "ann@new.example"


@pytest.fixture
def ann(giving: World, site: Site) -> Site:
    whole_life(giving, site)
    assert site.get("/portal/statements/2026").status == 303
    return site


def copy(site: Site) -> dict[str, str]:
    """The files of the copy, fetched as a browser does."""
    answer = site.get("/portal/export")
    assert answer.status == 303, answer.text
    fetched = requests.get(answer.headers["location"], timeout=20)
    assert fetched.headers["Content-Type"] == "application/zip"
    assert fetched.headers["Content-Disposition"] == 'attachment; filename="your-data.zip"'
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as files:
        return {name: files.read(name).decode() for name in files.namelist()}


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_it_holds_everything_there_is(giving: World, ann: Site) -> None:
    """Every item under the donor is a row, of whatever kind: a kind that somebody adds later too."""
    donor_id = giving.donor_id()
    items.put(items.giving(), keys.donor(donor_id, "NEWKIND#1") | {"words": "a kind of tomorrow"})
    files = copy(ann)
    held = [item for item in everything(items.giving()) if item["pk"] == keys.donor(donor_id)["pk"]]
    kept = [item for item in held if not item["sk"].startswith("GIFT#")]
    told = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    beside = {"sign_ups.json", "sessions.json", "address_changes.json"}

    assert sum(len(each) for name, each in told.items() if name not in beside) == len(kept)
    assert told["newkind.json"] == [{"words": "a kind of tomorrow"}]
    assert told["profile.json"][0]["name"] == NAME
    assert all(word in files["profile.csv"] for word in (NAME, STREET, PHONE, ANN))
    assert ROSA in files["gifts.csv"]
    assert told["sign_ups.json"][0]["consents"][0]["action"] == "asked"
    assert {each["mail"] for each in told["mails.json"]} >= {"receipt", "partner_welcome"}
    assert len(told["sessions.json"]) == 1


def test_table_and_json_say_the_same(ann: Site) -> None:
    """As many rows of each kind, and the amounts to the cent."""
    files = copy(ann)
    kinds = [name.removesuffix(".json") for name in files if name.endswith(".json")]

    assert {kind: len(json.loads(files[f"{kind}.json"])) for kind in kinds} == {kind: len(rows(files[f"{kind}.csv"])) for kind in kinds}
    assert sorted(row["Amount"] for row in rows(files["gifts.csv"])) == ["25.00", "50.00"]
    facts = rows(files["payments_refunds_disputes.csv"])
    assert sorted(row["money.minor"] for row in facts) == ["2500", "5000"]


def test_nobody_else_s_is_in_it(giving: World, ann: Site) -> None:
    """Nor anything that opens a door: no hash of a session, no proof of an address."""
    giving.give(10_00, email=BOB)
    change(giving, ann, NEW)
    bob = giving.donor_id(BOB)
    whole = " ".join(copy(ann).values())

    assert NEW in whole
    assert ANN in whole, "the undo still holds the old address"
    assert not [word for word in (BOB, bob, *ann.cookies.values(), "token_hash", "code_hash") if word in whole]
    assert Site().get("/portal/export").status == 401
    assert Site().get("/portal/export", "text/html").headers["location"] == "/portal"


def test_the_link_is_short_lived_and_the_copy_goes_after_a_day(ann: Site) -> None:
    """303 to S3 for five minutes, and a rule of the bucket takes the copy away, old versions too."""
    answer = ann.get("/portal/export")
    rules = description()["Resources"]["Documents"]["Properties"]["LifecycleConfiguration"]["Rules"]
    rule = next(each for each in rules if each.get("Prefix"))

    assert "X-Amz-Expires=300" in answer.headers["location"]
    assert f"/{rule['Prefix']}" in answer.headers["location"]
    assert (rule["Status"], rule["ExpirationInDays"], rule["NoncurrentVersionExpiration"]["NoncurrentDays"]) == ("Enabled", 1, 1)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", '"=1', "x;=1", "＝1", "a\r\n=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Also where it is a column's name, lies deep, or in a list."""
    written = data_files.table([{"plain": text, "deep": {text: text}, "list": [text]}])
    cells = [cell for row in csv.reader(io.StringIO(written.removeprefix("\ufeff"))) for cell in row]

    assert len(cells) == 6
    assert not [cell for cell in cells if cell.lstrip(" \"'")[:1] in "=+-@＝" and not cell.lstrip(' "').startswith("'")]
    assert "\n" not in "".join(cells)


def test_a_donor_s_own_formula_is_disarmed(ann: Site) -> None:
    """Through the whole app, as the name in the profile."""
    ann.post("/portal/contact", {"name": '=HYPERLINK("http://evil.example","x")'}, "PATCH")

    assert rows(copy(ann)["profile.csv"])[0]["name"].startswith("'=HYPERLINK")


def test_more_than_a_page_can_gather_is_refused_in_words(giving: World, ann: Site) -> None:
    """Rather than run into the gateway's limit, or leave something out."""
    with pytest.raises(Conflict, match="write to us") as refused:
        export.link_for(giving.donor_id(), most=2)

    assert refused.value.code == "export_too_large"


def test_it_is_limited(ann: Site) -> None:
    """Each is a heavy read."""
    statuses = [ann.get("/portal/export").status for _ in range(11)]

    assert statuses == [303] * 10 + [429]


@pytest.mark.parametrize(
    "head",
    [
        {"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)  # fmt: skip
def test_nothing_is_gathered_ahead_of_a_person_or_for_another_site(giving: World, site: Site, head: dict[str, str]) -> None:
    """A page that says where to ask for it, and not one call to AWS; to programs the one error shape."""
    giving.give(10_00)
    site.sign_in(giving, ANN)
    with recorded() as calls:
        page = site.request("GET", "/portal/export", headers={"Accept": "text/html", **head})
        refused = site.request("GET", "/portal/export", headers={"Accept": "application/json", **head})

    assert (page.status, calls) == (403, [])
    assert "<h1>Please ask for it here</h1>" in page.text
    assert 'href="/portal/your-data"' in page.text
    assert (refused.status, refused.json["error"]["code"]) == (403, "ask_for_it_here")


@pytest.mark.parametrize("head", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}])
def test_the_donor_s_own_press_and_programs_get_it(giving: World, site: Site, head: dict[str, str]) -> None:
    """A link on our page, an address typed, a program that says nothing."""
    giving.give(10_00)
    site.sign_in(giving, ANN)

    assert site.request("GET", "/portal/export", headers={"Accept": "text/html", **head}).status == 303
