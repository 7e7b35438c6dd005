"""The longer ways through the pages, for every kind of browser."""

from __future__ import annotations

from datetime import timedelta

from tests.browser.donor import Donor


def sign_up(ann: Donor) -> None:
    """Tick, confirm by the mail, and see one's choice in the preferences."""
    ann.page.get_by_role("navigation", name="Main").get_by_role("link", name="Email sign-up").click()
    ann.page.get_by_label("Stories from the field").check()
    ann.page.get_by_role("textbox", name="Email", exact=True).fill(ann.email)
    ann.press("Sign up")
    ann.sees("Please look into your mail")

    ann.page.goto(ann.link("confirm", "/sign-up/confirm"))
    ann.press("Yes, confirm my address")
    ann.sees("You are signed up")


def lead_the_monthly_gift(ann: Donor) -> None:
    """Another amount, a month skipped and not skipped after all, a pause, on again, less in place of the end, and the end."""
    form = ann.change_monthly_gift("Change the amount or the day")
    form.get_by_label("Each month, in USD").fill("55")
    ann.press("Save the change", inside=form)
    ann.is_told("$55.00")
    assert "$55.00" in ann.mail("Your monthly gift")["text"]

    ann.press("Skip it", inside=ann.change_monthly_gift("Skip the next gift"))
    ann.is_told("is skipped, and nothing is owed for it. The next is $55.00 on")
    ann.mail("is skipped")
    ann.press("Do not skip it")
    ann.is_told("we take $55.00")

    until = ann.today() + timedelta(days=70)
    form = ann.change_monthly_gift("Pause")
    form.get_by_label("Take nothing until").fill(f"{until:%Y-%m-%d}")
    ann.press("Pause", inside=form)
    ann.is_told(f"Paused until {until.day} {until:%B %Y}: nothing is taken.")

    ann.press("Resume now")
    ann.is_told("we take $55.00")

    ann.press("$40", inside=ann.change_monthly_gift("End the monthly gift"))
    ann.is_told("we take $40.00")

    ann.press("End it", inside=ann.change_monthly_gift("End the monthly gift"))
    ann.is_told("Nothing more is taken.")
    ann.mail("has ended")
