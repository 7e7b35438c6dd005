"""`python -m ops --stack giving-prod reconcile --from 2026-01-01 --to 2026-03-31`, and the other commands of staff."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TextIO

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from chalicelib.errors import GivingError
from ops import dead_letters, endings, gift_aid, reconciling, statements, surroundings, whole
from ops.moments import NoMoment
from ops.surroundings import Nowhere

# What a command ends with: the books agree and the queue is empty; they do not; nothing could be found out.
AGREES, DIFFERS, BROKE_OFF = 0, 1, 2

Command = Callable[[argparse.Namespace, Console], bool]


def main(arguments: Sequence[str]) -> int:
    """Run one command: 0 if all is well, 1 if something is left to do, 2 if it broke off."""
    given = _parser().parse_args(arguments)
    # Held here, for what the functions log goes elsewhere meanwhile: it is meant for CloudWatch.
    console, errors = _console(sys.stdout), _console(sys.stderr)
    command: Command = given.command
    try:
        with _logs(shown=given.verbose):
            surroundings.enter(given.stack)
            return AGREES if command(given, console) else DIFFERS
    except (Nowhere, NoMoment, GivingError) as fault:
        errors.print(str(fault), markup=False)
    except (BotoCoreError, ClientError) as fault:
        errors.print(f"AWS: {fault}", markup=False)
    except KeyboardInterrupt:
        errors.print("Stopped. What was done stands, and all of it may be run again.")
    return BROKE_OFF


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ops", description="What staff do with the books and the queues. See docs/how-to/operate.md."
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show the functions' own log, on stderr")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stack", default="", help="the CloudFormation stack, such as giving-prod")
    where.add_argument("--local", action="store_true", help="the `make run` in another terminal")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_reconcile(commands)
    _add_gift_aid(commands)
    _add_statements(commands)
    _add_endings(commands)
    for name, command, says in (
        ("letters", dead_letters.show, "list dead letters with their cause"),
        ("redrive", dead_letters.redrive, "send dead letters back to their queue"),
    ):
        added = commands.add_parser(name, help=says)
        added.add_argument("queue", choices=dead_letters.QUEUES)
        added.add_argument("--most", type=int, default=100, help="no more than so many (100)")
        added.set_defaults(command=command)
    return parser


def _add_reconcile(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    added = commands.add_parser("reconcile", help="compare the books with Stripe over any time, and heal them")
    added.add_argument("--from", dest="first", default="", help="2026-01-01, or a moment: 2026-01-01T00:00:00Z")
    added.add_argument("--to", dest="last", default="", help="likewise, all of that day; now if left out")
    added.add_argument("--zone", default="", help="of the dates; the default entity's of charity.toml if left out")
    added.add_argument("--whole", action="store_true", help="compare every fact of the ledger too, over all time")
    added.set_defaults(command=lambda given, console: (whole if given.whole else reconciling).run(given, console))


def _add_gift_aid(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    added = commands.add_parser("gift-aid", help="write the schedule of a Gift Aid claim")
    added.add_argument("--from", dest="first", type=date.fromisoformat, required=True, help="2026-04-06")
    added.add_argument("--to", dest="last", type=date.fromisoformat, required=True, help="likewise, all of that day")
    added.add_argument("--out", required=True, help="the CSV; beside it go <out>.trail.csv and <out>.off.csv")
    added.add_argument("--claim", type=_claim_name, help="keep it as a claim of this name: 2026-27-1")
    added.set_defaults(command=gift_aid.run)


def _claim_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", text):
        raise argparse.ArgumentTypeError("up to 40 letters, digits, dots, hyphens and underscores")
    return text


def _add_endings(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    added = commands.add_parser("endings", help="count the monthly gifts that ended, by the reason that donors gave")
    added.add_argument("--from", dest="first", type=date.fromisoformat, required=True, help="2026-01-01")
    added.add_argument("--to", dest="last", type=date.fromisoformat, required=True, help="likewise, that day included")
    added.set_defaults(command=endings.run)


def _add_statements(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    added = commands.add_parser("statements", help="issue a past year's statements, and mail each donor once")
    added.add_argument("--entity", required=True, help="as in charity.toml: us")
    added.add_argument("--year", type=int, required=True, help="the calendar year in which the tax year begins: 2026")
    added.add_argument("--look", action="store_true", help="queue nothing, only say how far it is")
    which = added.add_mutually_exclusive_group()
    which.add_argument("--unknown", action="store_true", help="mail those again whose mail may or may not have gone")
    which.add_argument("--corrected", action="store_true", help="replace what is issued and would read otherwise now")
    added.set_defaults(command=statements.run)


def _console(file: TextIO) -> Console:
    """As wide as the terminal; in a file or a pipe so wide that ids stay on their line."""
    return Console(file=file, highlight=False, width=None if file.isatty() else 200)


@contextlib.contextmanager
def _logs(*, shown: bool) -> Iterator[None]:
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(sys.stderr if shown else nowhere):
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
