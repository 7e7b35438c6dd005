"""The charity's own facts are read strictly, and the example never reaches production."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib import charity, settings
from chalicelib.errors import MisconfiguredError
from local.cloud import Cloud

EXAMPLE = charity.FACTS_FILE.read_text(encoding="utf-8")


def written(folder: Path, text: str) -> Path:
    path = folder / "charity.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_production_refuses_the_example(aws_local: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invented registration numbers must never stand on a real receipt."""
    monkeypatch.setenv("STAGE", "prod")

    with pytest.raises(MisconfiguredError, match="example"):
        charity.current()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("default = true", "default = false"), ('entity = "us"', 'entity = "mars"'), ('default_currency = "usd"', 'default_currency = "xyz"'),
        ("minimum = 500", 'minimum = "five"'), ("minimum = 2000\nmaximum = 8000000", "minimum = 2005\nmaximum = 8000000"),
        ("suggested_once = [15000, ", "suggested_once = [15001, "), ("tax_number =", "tax_nummer ="), ("[mail]", "[mail"),
    ],
)  # fmt: skip
def test_facts_that_cannot_be_are_refused(aws_local: Cloud, tmp_path: Path, old: str, new: str) -> None:
    """A typo in charity.toml stops the start, and not a donor."""
    with pytest.raises(MisconfiguredError):
        charity.read(written(tmp_path, EXAMPLE.replace(old, new, 1)), production=False)


@pytest.mark.parametrize(("currency", "entity"), [("gbp", "uk"), ("cad", "ca"), ("usd", "us"), ("jpy", "us"), ("xyz", "us")])
def test_the_currency_decides_which_entity_takes_a_gift(aws_local: Cloud, currency: str, entity: str) -> None:
    """And an unknown one, seen only in reconcile, goes to the default."""
    assert charity.current().entity_for(currency)[0] == entity


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_WEBHOOK_SECRET", ""), ("STRIPE_API_KEY", "pk_test_x"), ("TOKEN_SECRET", "short"), ("GIVING_TABLE", ""),
        ("GUARD", "off"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(aws_local: Cloud, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Refuse to start rather than to guess."""
    monkeypatch.setenv(name, value)
    settings.current.cache_clear()

    with pytest.raises(MisconfiguredError, match=name):
        settings.current()


@pytest.mark.parametrize(("name", "value"), [("SITE_URL", "http://give.example"), ("GUARD", "wide"), ("STRIPE_API_BASE", "http://127.0.0.1:1")])
def test_production_is_strict(aws_local: Cloud, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """What makes the local run comfortable is refused where real donors give."""
    for known, good in {"STAGE": "prod", "SITE_URL": "https://give.example", "GUARD": "strict", "STRIPE_API_BASE": ""}.items():
        monkeypatch.setenv(known, good)
    settings.current.cache_clear()
    assert settings.current().secure

    monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    with pytest.raises(MisconfiguredError, match=name):
        settings.current()


@pytest.mark.parametrize(
    "added",
    [
        "[benefits.moon]\n", '[benefits.rescue]\nusd = { description = "Dinner", value = 6000 }\n',
        '[benefits.rescue]\nusd = { description = "", value = 6000 }\n',
    ],
    ids=["no such fund", "not every currency", "no description"],
)  # fmt: skip
def test_a_benefit_says_what_it_is_in_every_currency(aws_local: Cloud, tmp_path: Path, added: str) -> None:
    """A gift in a currency that was forgotten would be told that nothing was given in return."""
    with pytest.raises(MisconfiguredError):
        charity.read(written(tmp_path, f"{EXAMPLE}\n{added}"), production=False)


GIFT_AID = EXAMPLE[EXAMPLE.index("[gift_aid]") : EXAMPLE.index("[entities.ca]")]
WISHES, PARTS = ("this_gift", "future", "past_and_future"), ("responsibility", "tell_us")


def with_gift_aid(folder: Path, name: str, line: str) -> Path:
    """The example with one line of [gift_aid] replaced."""
    changed, times = re.subn(rf"^{name} = .*$", lambda _: line, GIFT_AID, flags=re.MULTILINE)
    assert times == 1
    return written(folder, EXAMPLE.replace(GIFT_AID, changed))


@pytest.mark.parametrize("line", ["", '{name} = ""', '{name} = " \\t"'], ids=["left out", "empty", "blank"])
@pytest.mark.parametrize("name", ["entity", *WISHES, *PARTS])
def test_a_gift_aid_declaration_without_one_of_its_parts_is_refused(aws_local: Cloud, tmp_path: Path, name: str, line: str) -> None:
    """What HMRC wants said and was not makes every claim on it one to be paid back."""
    with pytest.raises(MisconfiguredError, match=rf"gift_aid.*{name}|{name}.*gift_aid"):
        charity.read(with_gift_aid(tmp_path, name, line.format(name=name)), production=False)


@pytest.mark.parametrize("name", WISHES)
def test_a_gift_aid_wish_names_the_charity(aws_local: Cloud, tmp_path: Path, name: str) -> None:
    """A declaration to nobody is none."""
    with pytest.raises(MisconfiguredError, match=rf"gift_aid\.{name} must name"):
        charity.read(with_gift_aid(tmp_path, name, f'{name} = "Yes, Gift Aid this donation."'), production=False)


@pytest.mark.parametrize("stray", ["{", "}", "{name}", "{}", "{{x}}", "{legal_name!r}", "{{legal_name}}"])
@pytest.mark.parametrize("name", [*WISHES, *PARTS, "higher_rate"])
def test_gift_aid_s_words_have_no_blank_that_nobody_fills(aws_local: Cloud, tmp_path: Path, name: str, stray: str) -> None:
    """It would stand in the declaration, or stop the form in front of a donor."""
    with pytest.raises(MisconfiguredError, match=rf"gift_aid\.{name}"):
        charity.read(with_gift_aid(tmp_path, name, f'{name} = "Yes, {{legal_name}}, and {stray}."'), production=False)


@pytest.mark.parametrize("entity", ["us", "ca", "mars"])
def test_gift_aid_is_declared_to_a_british_entity(aws_local: Cloud, tmp_path: Path, entity: str) -> None:
    """HMRC pays tax back to no other."""
    with pytest.raises(MisconfiguredError, match=rf"gift_aid\.entity {entity}"):
        charity.read(with_gift_aid(tmp_path, "entity", f'entity = "{entity}"'), production=False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('[currencies.gbp]\nentity = "uk"', '[currencies.gbp]\nentity = "us"'), ("[currencies.gbp]", "[currencies.chf]"),
        ('legal_name = "Open Gate Justice UK (example)"', 'legal_name = " "'),
    ],
    ids=["pounds go elsewhere", "no pounds", "no name"],
)  # fmt: skip
def test_whom_gift_aid_is_declared_to_takes_pounds_by_its_name(aws_local: Cloud, tmp_path: Path, old: str, new: str) -> None:
    """Otherwise the form would never ask, and nobody would know why; or declare to a blank."""
    assert old in EXAMPLE
    with pytest.raises(MisconfiguredError, match=r"gift_aid\.entity uk"):
        charity.read(written(tmp_path, EXAMPLE.replace(old, new)), production=False)


@pytest.mark.parametrize("line", ["", 'higher_rate = ""'], ids=["left out", "empty"])
def test_the_note_beside_gift_aid_may_be_left_out(aws_local: Cloud, tmp_path: Path, line: str) -> None:
    """It is advice to some donors, and no part of what is declared."""
    facts = charity.read(with_gift_aid(tmp_path, "higher_rate", line), production=False)

    assert facts.gift_aid
    assert facts.gift_aid.higher_rate == ""


def test_a_translated_fund_is_a_fund(aws_local: Cloud, tmp_path: Path) -> None:
    """A slip in its key would leave the fund under its English name, and nobody would know why."""
    with pytest.raises(MisconfiguredError, match="moon"):
        charity.read(written(tmp_path, EXAMPLE.replace("[funds_in.es]", '[funds_in.es]\nmoon = "La luna"')), production=False)


@pytest.mark.parametrize("file", ["nobody.svg", "../common.typ"])
def test_a_signature_is_a_file_that_is_there(aws_local: Cloud, tmp_path: Path, file: str) -> None:
    """Noticed at the start, and not by the first donor who asks for an official receipt."""
    with pytest.raises(MisconfiguredError, match="signatures"):
        charity.read(written(tmp_path, EXAMPLE.replace("example.svg", file)), production=False)
