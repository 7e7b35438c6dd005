"""The stories that the site tells: a table of them, and a plain search. Their text lies in templates/stories/."""

from __future__ import annotations

import functools
import html
import re
from datetime import date
from pathlib import Path

import msgspec

from chalicelib.errors import NotFound

TEXTS = Path(__file__).with_name("templates") / "stories"
TAG = re.compile(r"<[^>]+>")
EXCERPT_CHARS = 180


class Story(msgspec.Struct, frozen=True):
    """One story: where it lives, what it is called, and the line under its title."""

    slug: str
    title: str
    line: str
    place: str
    published: date

    @property
    def template(self) -> str:
        return f"stories/{self.slug}.html"

    @property
    def path(self) -> str:
        return f"/stories/{self.slug}"


class Found(msgspec.Struct, frozen=True):
    """A story that a search found, and the words around what was looked for."""

    story: Story
    excerpt: str


# The first one is the front page; the others follow it as "you might also be interested in".
STORIES: tuple[Story, ...] = (
    Story(
        "ten-years-in-guatemala",
        "In Guatemala, the law begins to reach its children",
        "Ten years ago no police unit in the country worked on sex crimes alone. Now one does, "
        "and courts convict. What changed, and what has not.",
        "Guatemala, 2005–2015",
        date(2015, 10, 14),
    ),
    Story(
        "once-a-child-is-safe",
        "What happens once a child is safe",
        "Leaving traffickers behind takes a night. What comes after takes years, and is mostly quiet.",
        "Aftercare",
        date(2015, 9, 22),
    ),
    Story(
        "aftercare-in-uganda",
        "Aftercare in Uganda: the questions we are asked",
        "An interview on paper: what care after a crime consists of, who gives it, and when it ends.",
        "Uganda",
        date(2015, 8, 18),
    ),
    Story(
        "a-path-to-justice-in-bolivia",
        "A survivor’s path to justice in Bolivia",
        "From the first report to the sentence, a case asks more of a survivor than of anyone else in the room.",
        "Bolivia",
        date(2015, 7, 7),
    ),
    Story(
        "what-counselling-can-do",
        "What counselling can do",
        "It cannot undo a crime. It can give back some of what the crime took, at the pace of the person who lost it.",
        "Care",
        date(2015, 6, 2),
    ),
)


def named(slug: str) -> Story:
    """The story of that name. Raises NotFound."""
    for story in STORIES:
        if story.slug == slug:
            return story
    raise NotFound("There is no story by that name.")


def others(story: Story, most: int = 4) -> list[Story]:
    """Up to `most` stories besides this one."""
    return [other for other in STORIES if other != story][:most]


def search(words: str) -> list[Found]:
    """The stories in which every word occurs, those with a word in the title first. No words find every story."""
    wanted = words.casefold().split()
    found = [story for story in STORIES if all(word in _all_of(story).casefold() for word in wanted)]
    found.sort(key=lambda story: not any(word in story.title.casefold() for word in wanted))
    return [Found(story, _around(text(story), wanted) or story.line) for story in found]


@functools.cache
def text(story: Story) -> str:
    """The story's own text, without its markup."""
    source = (TEXTS / f"{story.slug}.html").read_text(encoding="utf-8")
    return " ".join(html.unescape(TAG.sub(" ", source)).split())


def _all_of(story: Story) -> str:
    return f"{story.title} {story.line} {story.place} {text(story)}"


def _around(words: str, wanted: list[str]) -> str:
    at = min((words.casefold().find(word) for word in wanted if word in words.casefold()), default=-1)
    if at < 0:
        return ""
    start = max(0, words.rfind(" ", 0, max(0, at - 60)) + 1)
    end = words.find(" ", start + EXCERPT_CHARS)
    cut = words[start : end if end > 0 else None]
    return f"{'…' if start else ''}{cut}{'…' if end > 0 else ''}"
