"""`python -m local`: everything on loopback, with one command."""

from __future__ import annotations

import logging
import os
import sys

from local.run import Faulty, Run
from local.until import interrupted


def main() -> int:
    """Run until Ctrl-C or SIGTERM. 0 when asked to stop, 1 when it could not start."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO, stream=sys.stdout)
    for theirs in ("werkzeug", "botocore", "urllib3", "stripe"):
        logging.getLogger(theirs).setLevel(logging.WARNING)
    asked_to_stop = interrupted()
    try:
        run = Run.from_environment()
        run.start()
    except Faulty as fault:
        print(f"\n{fault}\n", file=sys.stderr)
        return 1
    print(run.welcome(), flush=True)
    asked_to_stop.wait()
    run.stop()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Everything is stopped. Taking the interpreter apart would keep the terminal waiting for seconds more.
    os._exit(code)
