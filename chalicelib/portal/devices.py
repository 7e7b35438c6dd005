"""Pure. A coarse name of the browser that signed in, so that a donor knows their own again."""

from __future__ import annotations

# Looked for in this order: Edge and Opera call themselves Chrome too, Chrome calls itself Safari, everybody Mozilla.
BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Firefox/": "Firefox", "FxiOS/": "Firefox",
    "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
# An iPhone's says "like Mac OS X", and Android's says Linux.
SYSTEMS = {
    "iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "CrOS": "Chromebook", "Windows": "Windows",
    "Macintosh": "Mac", "Linux": "Linux",
}  # fmt: skip


def name(agent: str) -> str:
    """
    What this user agent is called among people: "Firefox on Android".

    Only words of ours are given back, never the caller's: they are kept and
    shown. It is a hint and proves nothing, for a caller may say what it likes.
    """
    browser, system = _first(BROWSERS, agent), _first(SYSTEMS, agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or (f"A browser on {system}" if system else "Unknown device")


def _first(names: dict[str, str], agent: str) -> str:
    return next((called for mark, called in names.items() if mark in agent), "")
