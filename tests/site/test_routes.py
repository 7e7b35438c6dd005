"""The public pages as a caller meets them."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from chalicelib.site import static_files, stories
from tests.over_http import Answered
from tests.site.conftest import Tags

Get = Callable[[str], Answered]
PATHS = (
    "/",
    "/search",
    "/search?q=child",
    "/give",
    "/give/card",
    "/sign-up",
    "/sign-up/thanks",
    "/sign-up/confirm?token=x",
    "/sign-up/done",
)


@pytest.mark.parametrize("path", PATHS)
def test_pages_are_pages_for_every_caller(get: Get, path: str) -> None:
    """
    Link previews and feed readers accept anything; they too get the page, under its strict policy.
    """
    answer = get(path)

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("path", "kept"), [*((path, "private, no-cache") for path in ("/", "/give", "/give/card", stories.STORIES[1].path)), ("/sign-up/confirm?token=x", "no-store"), ("/sign-up/done", "no-store")])
def test_the_back_button_finds_the_form_that_was_sent(get: Get, path: str, kept: str) -> None:
    """
    Its gift's id is in it, so pressing again is the same gift. What a token opens is never kept.
    """
    answer = get(path)

    assert answer.headers["cache-control"] == kept
    assert "etag" not in answer.headers


def test_every_page_loads_only_files_that_exist_under_their_hash(get: Get) -> None:
    """
    A file at its hashed address may be kept for ever; at its bare name for minutes.
    """
    tags = Tags(get("/").text)
    loaded = [each.get("src") or each["href"] for each in tags.named("script", "link") if "/static/" in str(each)]

    assert len(loaded) == 3
    for path in loaded:
        assert get(path).headers["cache-control"] == static_files.FOR_EVER
    assert get("/static/style.css").headers["cache-control"] == static_files.FIVE_MINUTES
    assert get("/static/style.css?v=000000000000").headers["cache-control"] == static_files.FIVE_MINUTES


@pytest.mark.parametrize("name", ["routes.py", "..%2fpages.py", "%2e%2e", "nothing.css"])
def test_only_known_files_are_served(get: Get, name: str) -> None:
    """
    A name is looked up among the files we ship, never joined to a path.
    """
    assert get(f"/static/{name}").status in {403, 404}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/embed.js", "text/javascript"),
        ("/favicon.svg", "image/svg+xml"),
        ("/static/style.css", "text/css"),
        ("/robots.txt", "text/plain"),
    ],
)
def test_files_say_what_they_are(get: Get, path: str, kind: str) -> None:
    """
    With nosniff a wrong media type is a file that does not load.
    """
    assert get(path).headers["content-type"] == f"{kind}; charset=utf-8"


def test_the_feed_is_rss_with_every_story(get: Get) -> None:
    """
    It parses, and each entry leads to its story's own address.
    """
    answer = get("/feed.xml")
    links = [item.findtext("link") for item in ElementTree.fromstring(answer.text).iter("item")]

    assert answer.headers["content-type"].startswith("application/rss+xml")
    assert links == [f"http://127.0.0.1:8000/stories/{story.slug}" for story in stories.STORIES]


def test_a_story_has_one_address_and_four_others_beside_it(get: Get) -> None:
    """
    The front page is the first story and says where it properly lives.
    """
    first = stories.STORIES[0]
    page = get("/").text

    assert f'<link rel="canonical" href="http://127.0.0.1:8000{first.path}">' in page
    assert all(get(story.path).status == 200 and story.path in page for story in stories.STORIES[1:])
    assert get("/stories/unknown").status == 404


def test_the_card_may_be_framed_by_the_charitys_own_sites_only(get: Get) -> None:
    """
    No page but this one may be framed, and no other site may frame it.
    """
    card, page = get("/give/card").headers, get("/give").headers

    assert "frame-ancestors 'self' https://www.opengate.example" in card["content-security-policy"]
    assert "x-frame-options" not in card
    assert "frame-ancestors 'none'" in page["content-security-policy"]
    assert page["x-frame-options"] == "DENY"


def test_everything_in_the_card_opens_in_the_whole_window(get: Get) -> None:
    """
    A card number is typed only where the address bar shows whose page it is.
    """
    tags = Tags(get("/give/card").text)
    assert {each.get("target") for each in tags.named("form", "a") if not each.get("href", "").startswith("#")} == {
        "_top"
    }


def test_a_link_fills_the_form_in(get: Get) -> None:
    """
    A mail may ask for a monthly gift of a certain sum to a certain fund; the donor still presses the button.
    """
    tags = Tags(get("/give?frequency=monthly&amount=6000&currency=gbp&fund=aftercare&source=letter").text)
    ticked = {each["name"]: each["value"] for each in tags.named("input") if "checked" in each}

    assert ticked == {"frequency": "monthly", "amount_monthly": "6000", "amount_once": "other"}
    assert tags.field("currency")["value"] == "gbp"
    assert tags.field("source")["value"] == "letter"
    assert [each["value"] for each in tags.named("option") if "selected" in each] == ["aftercare", ""]


def test_a_story_names_itself_as_the_source(get: Get) -> None:
    """
    The ledger can tell which story moved somebody to give.
    """
    tags = Tags(get("/stories/what-counselling-can-do?utm_campaign=may").text)
    assert tags.field("source")["value"] == "what-counselling-can-do.may"


def test_hostile_queries_stay_words(get: Get) -> None:
    """
    Neither the search nor the token of a confirmation can write markup, and too long a one is refused.
    """
    hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
    for path in (
        f"/search?q={hostile}",
        f"/sign-up/confirm?token={hostile}",
        f"/give?source={hostile}",
        f"/sign-up?source={hostile}",
    ):
        assert "<script>alert" not in get(path).text
    assert get(f"/search?q={'x' * 501}").status == 400


def test_opening_the_confirmation_link_changes_nothing(get: Get) -> None:
    """
    Mail scanners open links. The page is a form; only its button sends the token.
    """
    page = get("/sign-up/confirm?token=abc")
    form = next(each for each in Tags(page.text).named("form") if each["action"] == "/sign-ups/confirm")
    assert form["method"] == "post"


def test_search_engines_are_kept_from_what_belongs_to_one_person(get: Get) -> None:
    """
    The portal and everything behind a token stay out of indexes.
    """
    rules = get("/robots.txt").text
    assert all(f"Disallow: {path}" in rules for path in ("/portal", "/thank-you", "/sign-ups"))
