"""Ctrl-C and SIGTERM as something to wait for."""

import signal
import threading


def interrupted() -> threading.Event:
    """Set once somebody asks the process to stop. Asking twice is asking once."""
    asked = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: asked.set())
    return asked
