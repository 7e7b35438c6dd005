"""The public pages: stories, search, giving, sign-up, and the files they load."""

from __future__ import annotations

import functools
from collections.abc import Callable
from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib import charity, settings
from chalicelib.errors import GivingError
from chalicelib.http import Routes, html, page_headers
from chalicelib.site import giving_form, pages, static_files, stories

routes = Routes(__name__)
View = Callable[..., Response]

# What a link may fill in on the giving form.
PREFILLED = ("frequency", "amount", "currency", "source", "fund", "utm_campaign")
# A form made up its gift's id when it was shown. Whoever comes back to it with
# the browser's button finds that very form, and so that very gift: its payment
# page, or its thanks if it was paid. Everybody else is shown a fresh one, for
# "no-cache" asks anew whenever the page is opened in any other way.
SAME_FORM_WHEN_BACK = {"Cache-Control": "private, no-cache"}
# Nothing that belongs to one person, and nothing that a token opens, belongs in a search engine.
PRIVATE = ("/portal", "/thank-you", "/sign-ups", "/sign-up/confirm", "/sign-up/done", "/give/card")


def page(path: str) -> Callable[[View], View]:
    """Declare a view that answers for itself, the same whatever the caller accepts: link previews ask for anything."""

    def declare(view: View) -> View:
        @functools.wraps(view)
        def shown(**path_parameters: str) -> Response:
            try:
                return view(**path_parameters)
            except GivingError as error:
                return html(pages.problem(error), error.status)

        Blueprint.route(routes, path)(shown)
        return view

    return declare


@page("/")
def front_page() -> Response:
    """The first story, at its own address as far as search engines are told."""
    return _story(stories.STORIES[0])


@page("/stories/{slug}")
def story(slug: str) -> Response:
    """One story, with the giving card beside it."""
    return _story(stories.named(slug))


@page("/search")
def search() -> Response:
    """The stories that a search finds; all of them when nothing is asked."""
    asked = routes.query("q").strip()
    return html(pages.render("search.html", q=asked, found=stories.search(asked)))


@page("/feed.xml")
def feed() -> Response:
    """The stories as RSS 2.0."""
    return _file(pages.render("feed.xml", stories=stories.STORIES), "application/rss+xml; charset=utf-8")


@page("/give")
def give() -> Response:
    """The giving form on a page of its own."""
    return html(pages.render("give.html", form=giving_form.fresh(_prefilled())), headers=SAME_FORM_WHEN_BACK)


@page("/give/card")
def give_card() -> Response:
    """
    The giving form alone, for an iframe on the charity's other sites.

    Only the origins in charity.toml may frame it; everything in it opens in
    the whole window, so the address bar shows who asks for the card.
    """
    page = pages.render("give_card.html", form=giving_form.fresh(_prefilled()), framed=True)
    answer = html(page, headers=SAME_FORM_WHEN_BACK)
    framers = " ".join(["'self'", *charity.current().allowed_origins])
    policy = page_headers()["Content-Security-Policy"].replace("frame-ancestors 'none'", f"frame-ancestors {framers}")
    answer.headers["Content-Security-Policy"] = policy
    del answer.headers["X-Frame-Options"]
    return answer


@page("/sign-up")
def sign_up() -> Response:
    """The email sign-up on a page of its own."""
    return html(pages.render("sign_up.html", source=routes.query("source")))


@page("/sign-up/thanks")
def sign_up_thanks() -> Response:
    """After signing up: the same words whether the address was known or not."""
    return html(pages.render("sign_up_thanks.html"))


@page("/sign-up/confirm")
def sign_up_confirm() -> Response:
    """A button that confirms. Opening the link changes nothing, for mail scanners open links."""
    return html(pages.render("sign_up_confirm.html", token=routes.query("token")))


@page("/sign-up/done")
def sign_up_done() -> Response:
    """After confirming."""
    return html(pages.render("sign_up_done.html"))


@page("/static/{name}")
def static(name: str) -> Response:
    """One of the site's own files, kept for ever by caches when asked for by its hash."""
    file = static_files.named(name)
    return _file(file.body, file.content_type, static_files.cache_control(file, routes.query("v")))


@page("/embed.js")
def embed() -> Response:
    """The script that puts the giving card into the charity's other pages; at one address, so kept for minutes only."""
    return _static("embed.js")


@page("/favicon.svg")
def favicon() -> Response:
    """The mark of the open gate."""
    return _static("favicon.svg")


@page("/robots.txt")
def robots() -> Response:
    """What search engines may read: the stories."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE)]
    return _file("\n".join(lines) + "\n", "text/plain; charset=utf-8")


def _story(shown: stories.Story) -> Response:
    address = settings.current().site_url.rstrip("/") + shown.path
    form = giving_form.fresh(_prefilled(), source=shown.slug)
    share = {"url": quote(address, safe=""), "title": quote(shown.title, safe="")}
    return html(
        pages.render("story.html", story=shown, others=stories.others(shown), form=form, address=address, share=share,
                     source=shown.slug),
        headers=SAME_FORM_WHEN_BACK,
    )  # fmt: skip


def _prefilled() -> dict[str, str]:
    return {name: routes.query(name) for name in PREFILLED}


def _static(name: str) -> Response:
    file = static_files.named(name)
    return _file(file.body, file.content_type)


def _file(body: str, content_type: str, cache_control: str = static_files.FIVE_MINUTES) -> Response:
    return Response(body, {"Content-Type": content_type, "Cache-Control": cache_control})
