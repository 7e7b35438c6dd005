"""The ports of the local run, and a clear word when one is taken."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import msgspec


class PortTaken(Exception):
    """Another program listens where we would. The message says which port, and how to choose another."""


class Ports(msgspec.Struct, frozen=True):
    """Where each part listens on 127.0.0.1."""

    site: int = 8000
    desk: int = 8025
    stripe: int = 12111
    aws: int = 4566


def chosen(environment: Mapping[str, str]) -> Ports:
    """The ports of PORT_SITE, PORT_DESK, PORT_STRIPE and PORT_AWS. Raises PortTaken for what is no port."""
    ports = {}
    for part in Ports.__struct_fields__:
        given = environment.get(variable(part), "").strip()
        if given and not (given.isdecimal() and 0 < int(given) < 65_536):
            raise PortTaken(f"{variable(part)} must be a number from 1 to 65535, not {given!r}.")
        if given:
            ports[part] = int(given)
    return Ports(**ports)


def check_free(ports: Ports) -> None:
    """Raise PortTaken naming every port that is taken or given twice, and how to choose others."""
    wanted = msgspec.structs.asdict(ports)
    taken = [part for part, port in wanted.items() if not _is_free(port)]
    twice = [part for part, port in wanted.items() if list(wanted.values()).count(port) > 1]
    if not taken and not twice:
        return
    lines = [f"Port {wanted[part]} ({part}) is taken by another program." for part in taken]
    lines += [f"Port {wanted[part]} ({part}) is given to more than one part." for part in twice]
    another = " ".join(f"{variable(part)}={_free_port()}" for part in taken or twice[1:])
    raise PortTaken("\n".join([*lines, f"Choose another: {another} make run"]))


def variable(part: str) -> str:
    return f"PORT_{part.upper()}"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port that was ours a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
