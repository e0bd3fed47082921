"""Where hosts join a search, and whether they can."""

import importlib.util
import socket

from nao.core import InputError

AUTO = "auto"
PORT = 6399  # where hosts join unless told otherwise
ELSEWHERE = ("192.0.2.1", 9)  # an address that is kept free for examples (RFC 5737)


def check_engine() -> None:
    """Checks that the engine is installed, without importing it.

    Raises:
      InputError: it is not.
    """
    if importlib.util.find_spec("ray") is None:
        raise InputError("hosts elsewhere are reached through Ray: pip install 'nao-search[cluster]'")


def cluster_address(text: str) -> str:
    """The address `HOST:PORT` that is meant; `auto` is the one of this machine that others can reach.

    Raises:
      InputError: it is none.
    """
    host, colon, port = (f"{own_address()}:{PORT}" if text == AUTO else text).rpartition(":")
    if (
        not colon
        or not host
        or "/" in host
        or not (port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16)
    ):
        raise InputError(f"{text!r} is no address: write HOST:PORT, for instance 10.0.0.5:{PORT}")
    return f"{host}:{int(port)}"


def own_address(other: tuple[str, int] = ELSEWHERE) -> str:
    """The address of this machine from which it reaches another; the loopback address if it does not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(other)  # sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
