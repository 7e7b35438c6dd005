"""A copy of everything that is held: complete, only one's own, and safe to open."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import date
from typing import Any

import pytest
import requests

from chalicelib import clock, items, keys
from chalicelib.errors import Conflict
from chalicelib.gift_aid import claims
from chalicelib.gift_aid.asked import DeclarationWithGift
from chalicelib.gift_aid.claims import Entry
from chalicelib.portal import data_files, export
from local.cloud import description
from tests.giving_world import ANN, World
from tests.over_http import Site
from tests.portal.calls import everything, recorded
from tests.portal.test_email_change import ask, change
from tests.portal.test_erasure import NAME, PHONE, ROSA, STREET, whole_life

BOB, NEW, THIRD = "bob@example.org", "ann@new.example", "ann@third.example"
DECLARED = DeclarationWithGift("Ann", "Lee-Moor", "Rose Cottage", "SW1A 1AA", "future", "yes")
# What is left out of the copy, as README.txt says; of what waits for a gift, all but which one and when.
LEFT_OUT = {"EMAIL", "CUSTOMER", "CHARGE", "GIFT", "SUBSCRIPTION", "COUNT", "MAIL", "CODE"}
# Not the donor's, but of the charity's work: a claim's days, a year's run, another product's charges, letters that failed.
NOBODYS = {"CLAIM", "RUN", "STRANGER", "LETTER"}
IN_SECONDS = ("began", "seen", "expires_at")
# Of addresses, by which things are found; none of them says anything to a donor.
HASHES = {"email_sha256", "mailed_to"}


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


def fuller(giving: World, site: Site) -> None:
    """Whatever else can stand of somebody: declared and claimed, waiting, another address, one more on its way, erased before."""
    gift_id = giving.give(20_00, "gbp", gift_aid=DECLARED)
    charge, named = giving.charge_of(gift_id), f"gift-{gift_id}"
    claims.begin("2026-1", date(2026, 3, 1), date(2026, 3, 31))
    claims.add(giving.donor_id(), Entry("2026-1", charge, "g", date(2026, 3, 10), 20_00, named, 1, clock.now()))
    items.put(items.passing(), marker_of_an_erasure())
    change(giving, site, NEW)
    ask(giving, site, THIRD)
    Site().post("/portal/sign-in", {"email": NEW})
    giving.start(30_00, "gbp", gift_aid=DECLARED, email=NEW)
    giving.work()


def marker_of_an_erasure() -> items.Item:
    """Somebody had this address before, and was erased."""
    until = int(clock.now().timestamp()) + 1_000
    return keys.passing("ERASED", keys.email_hash(ANN)) | {"donor_id": "somebody", "erased_at": keys.moment(clock.now()), "expires_at": until}


def told_of(item: items.Item) -> dict[str, Any]:
    """What the copy must say of an item: its fields, its moments as moments, and what stands in its key."""
    if item["pk"].startswith("GIFTAID#"):
        return {"gift_id": item["gift_id"], "made_at": item["made_at"]}
    if item["pk"].startswith("GIFTAIDS#"):
        return {"gift_id": item["sk"], "waits_until": keys.moment(clock.from_epoch(item["expires_at"]))}
    if item["pk"].startswith("ERASED#"):
        return {"erased_at": item["erased_at"], "kept_until": keys.moment(clock.from_epoch(item["expires_at"]))}
    fields = {name: value for name, value in item.items() if name not in {"pk", "sk", "email_changes"} | HASHES and "hash" not in name}
    return fields | {name: keys.moment(clock.from_epoch(fields[name])) for name in IN_SECONDS if name in fields}


def is_left_out(item: items.Item) -> bool:
    own = item["pk"].startswith("DONOR#")
    return item["sk"].startswith("GIFT#") if own else item["pk"].partition("#")[0] in LEFT_OUT | NOBODYS


def test_of_all_three_tables_nothing_is_missing(giving: World, ann: Site) -> None:
    """
    There is one donor in this world, so every item but the charity's own is hers.

    Each is a row with all its fields and the parts of its key, or of a kind
    that README.txt says is left out.
    """
    fuller(giving, ann)
    files = copy(ann)
    told = [row for name, text in files.items() if name.endswith(".json") for row in json.loads(text)]
    held = [item for table in (items.giving(), items.signups(), items.passing()) for item in everything(table)]
    kinds = {item["pk"].partition("#")[0] for item in held}

    for item in filter(lambda each: not is_left_out(each), held):
        wanted = told_of(item)
        rows_of_it = [row for row in told if row.items() >= wanted.items()]
        assert rows_of_it, item
        if item["pk"].startswith("DONOR#"):
            assert {str(row) for row in rows_of_it if set(item["sk"].split("#")[1:]) <= {_as_in_key(each) for each in row.values()}}, item
    assert {"DONOR", "SESSIONS", "KNOWN", "SIGNIN", "NEWEMAIL", "UNDO", "GIFTAID", "GIFTAIDS", "ERASED", "EMAIL"} <= kinds
    assert {"GIFTAID", "CLAIMED", "STATEMENT", "YEAR", "MAIL"} <= {item["sk"].partition("#")[0] for item in held}


def _as_in_key(value: object) -> str:
    return f"{value:04d}" if isinstance(value, int) and value < 1000 else str(value)


def test_no_kind_of_item_is_forgotten() -> None:
    """Whoever adds one to keys.py says here whether it is in the copy."""
    named = set(re.findall(r"([A-Z]+)#<", keys.__doc__ or ""))
    in_it = {"DONOR", "FACT", "YEAR", "PARTNER", "STATEMENT", "GIFTAID", "CLAIMED", "SESSIONS", "KNOWN", "SIGNIN", "NEWEMAIL", "UNDO", "GIFTAIDS", "ERASED"}

    assert named == in_it | LEFT_OUT | NOBODYS


def test_a_declaration_that_waits_shows_no_name_and_no_home(giving: World, ann: Site) -> None:
    """It was typed beside her address by whoever filled in the form."""
    gift_id = giving.start(30_00, "gbp", gift_aid=DECLARED, email=ANN)
    files = copy(ann)

    assert json.loads(files["gift_aid_waiting.json"]) == [
        {"gift_id": gift_id, "made_at": "2026-03-10T12:00:00Z", "waits_until": "2026-05-09T12:00:00Z"}
    ]
    assert not [word for word in ("Lee-Moor", "Rose Cottage", "SW1A") if word in " ".join(files.values())]
    assert "gift_aid_waiting" in files["README.txt"]


def test_rows_carry_what_stands_in_their_keys_alone_and_moments_are_moments(ann: Site) -> None:
    """A year without its year says nothing, and neither does a number of seconds."""
    files = copy(ann)
    [session] = json.loads(files["sessions.json"])

    assert [each["year"] for each in json.loads(files["years.json"])] == ["2026"]
    assert (session["began"], session["expires_at"]) == ("2026-03-10T12:00:00Z", "2026-03-10T12:30:00Z")


def test_it_holds_everything_there_is(giving: World, ann: Site) -> None:
    """Every item under the donor is a row, of whatever kind: a kind that somebody adds later too."""
    donor_id = giving.donor_id()
    items.put(items.giving(), keys.donor(donor_id, "NEWKIND#1") | {"words": "a kind of tomorrow"})
    files = copy(ann)
    held = [item for item in everything(items.giving()) if item["pk"] == keys.donor(donor_id)["pk"]]
    kept = [item for item in held if not item["sk"].startswith("GIFT#")]
    told = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    beside = {
        "sign_ups.json", "sessions.json", "known_browsers.json", "address_changes.json", "address_changes_under_way.json", "sign_ins_under_way.json",
        "gift_aid_waiting.json", "erased_before.json",
    }  # fmt: skip

    assert sum(len(each) for name, each in told.items() if name not in beside) == len(kept)
    assert told["newkind.json"] == [{"key": "1", "words": "a kind of tomorrow"}]
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
