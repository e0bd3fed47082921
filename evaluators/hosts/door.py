"""The door of a search: where hosts knock, and are told where the engine is once they have shown the token.

The engine refuses a stranger without a word to anybody; the door says who was turned away, and why. It never
shows the token, and neither does a host: each proves that it knows it (HMAC-SHA256 over what both have drawn
by lot), the host first, and the host goes nowhere if the door cannot. A line each:

    host: GREETING NONCE
    door: GREETING NONCE
    host: PROOF
    door: ADDRESS PROOF, or REFUSED
"""

import asyncio
import contextlib
import hmac
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

GREETING = b"nao-search-door-1"
REFUSED = b"refused"
LONGEST = 256  # bytes of a line
PATIENCE = 5.0  # seconds that a stranger has for all that it says
WAIT = 10.0  # seconds that a host waits for each answer: the engine may be about to start
MOST = 500  # who may stand at the door at once
SELDOM = 60.0  # seconds between two lines about the same address


class TurnedAway(Exception):
    """Whoever knocked is not let in; why, the message says."""


def secret_of(path: str) -> bytes:
    """The token of a file."""
    return Path(path).read_bytes().strip()


def proof(secret: bytes, who: bytes, *said: bytes) -> bytes:
    """That somebody knows the token, for this one conversation."""
    return hmac.new(secret, b" ".join((who, *said)), "sha256").hexdigest().encode()


class Door:
    """The door, in the process of the driver's link."""

    def __init__(self, listener: socket.socket, token: str, engine: str, notice: Callable[[str], None]):
        """Is closed.

        Args:
          listener: what hosts connect to.
          token: the file of the token.
          engine: the address that hosts are told.
          notice: is told who was turned away.
        """
        self._listener, self._secret, self._engine = listener, secret_of(token), engine.encode()
        self._refusals = Refusals(notice)
        self._inside = 0

    async def open(self) -> asyncio.Server:
        """Answers whoever knocks, as long as the server that is returned is kept."""
        return await asyncio.start_server(self._answer, sock=self._listener, limit=LONGEST)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = (writer.get_extra_info("peername") or ("somebody",))[0]
        self._inside += 1
        try:
            if self._inside > MOST:
                raise TurnedAway("there are too many at once")
            async with asyncio.timeout(PATIENCE):
                await self._converse(reader, writer)
        except TimeoutError:
            self._refusals.add(address, f"it has not shown a token within {PATIENCE:.0f} s")
        except TurnedAway as error:
            self._refusals.add(address, str(error))
            writer.write(REFUSED + b"\n")
        except OSError:
            self._refusals.add(address, "it left before it had shown a token")
        finally:
            self._inside -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lets a host in.

        Raises:
          TurnedAway: it is none, or does not know the token.
        """
        try:
            if not (said := await reader.readline()):
                return  # whoever looks whether somebody listens is no stranger
            greeting, _, theirs = said.strip().partition(b" ")
            if greeting != GREETING or not theirs:
                raise TurnedAway("it does not speak as a host does")
            ours = secrets.token_hex(16).encode()
            writer.write(GREETING + b" " + ours + b"\n")
            if not (shown := (await reader.readline()).strip()):
                raise TurnedAway("it left before it had shown a token")
        except ValueError as error:
            raise TurnedAway("it does not speak as a host does") from error
        if not hmac.compare_digest(shown, proof(self._secret, b"host", theirs, ours)):
            raise TurnedAway("its token is not the one of this search")
        shown = proof(self._secret, b"door", theirs, ours, self._engine)
        writer.write(self._engine + b" " + shown + b"\n")
        await writer.drain()


class Refusals:
    """Says who was turned away: the first time at once, and then seldom, however often it knocks."""

    def __init__(self, notice: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        """Nobody was."""
        self._notice, self._clock = notice, clock
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def add(self, address: str, reason: str) -> None:
        """Somebody was, for a reason."""
        text, now = f"refused {address}: {reason}", self._clock()
        self._said = {each: when for each, when in self._said.items() if now - when < SELDOM}
        if text in self._said:
            self._unsaid[text] = self._unsaid.get(text, 0) + 1
            return
        self._said[text] = now
        count = self._unsaid.pop(text, 0)
        self._notice(f"{text} (and {count} times more since then)" if count else text)


def knock(connection: socket.socket, token: str) -> str | None:
    """Knocks at the door of a search.

    Args:
      connection: to it.
      token: the file of the token.

    Returns:
      The address of the engine; None where there is no door, but perhaps the engine itself.

    Raises:
      TurnedAway: the token is not the one of the search.
      TimeoutError: whoever listens says nothing, or has no time.
    """
    connection.settimeout(WAIT)
    secret, ours = secret_of(token), secrets.token_hex(16).encode()
    with connection, connection.makefile("rwb") as file:
        try:
            file.write(GREETING + b" " + ours + b"\n")
            file.flush()
            greeting, _, theirs = file.readline(LONGEST).strip().partition(b" ")
            if greeting == REFUSED:
                raise TimeoutError  # too many knock at once
            if greeting != GREETING:
                return None
            file.write(proof(secret, b"host", ours, theirs) + b"\n")
            file.flush()
            address, _, shown = file.readline(LONGEST).strip().partition(b" ")
        except TimeoutError:
            raise
        except OSError:  # an engine hangs up on whom it does not understand
            return None
    if address == REFUSED:
        raise TurnedAway("its token is another one")
    if not hmac.compare_digest(shown, proof(secret, b"door", ours, theirs, address)):
        raise TurnedAway("it does not know the token of this host")
    return address.decode()
