"""Stories and the search among them."""

from __future__ import annotations

import pytest

from chalicelib.errors import NotFound
from chalicelib.site import stories


def test_every_story_has_a_text() -> None:
    """
    A slug in the table without a file would be a broken page and a broken feed.
    """
    assert all(len(stories.text(story).split()) > 150 for story in stories.STORIES)
    assert {path.stem for path in stories.TEXTS.glob("*.html")} == {story.slug for story in stories.STORIES}


def test_a_story_by_no_known_name_is_not_found() -> None:
    """
    Also not by a path that leads out of the folder.
    """
    with pytest.raises(NotFound):
        stories.named("../base")


def test_a_search_wants_every_word_and_prefers_titles() -> None:
    """
    Whatever the case of the letters.
    """
    assert [hit.story.slug for hit in stories.search("BOLIVIA survivor")] == ["a-path-to-justice-in-bolivia"]
    assert stories.search("counselling")[0].story.slug == "what-counselling-can-do"
    assert stories.search("counselling zebra") == []


def test_a_search_for_nothing_shows_all() -> None:
    """
    The empty search is the list of stories.
    """
    assert [hit.story for hit in stories.search("  ")] == list(stories.STORIES)


def test_a_hit_shows_the_words_around_it() -> None:
    """
    The excerpt is text: no markup, and the word is in it.
    """
    excerpt = stories.search("prosecutors")[0].excerpt
    assert "prosecutors" in excerpt
    assert "<" not in excerpt
