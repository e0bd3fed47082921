"""What the driver of a search and a host have last said to each other: an actor on the host's machine.

It keeps no state of a search. What either side says replaces what it said before, so whoever comes anew, or
comes again, reads all that there is to know. Ray imports this module on the host; nothing here imports Ray.
"""

import asyncio
import contextlib
import time

WAIT = 5.0  # seconds for which whoever asks waits for news
FREE = 20.0  # seconds without a question after which another driver may have the host
DRIVER, HOST = "driver", "host"
NAMESPACE = "nao"  # in which the engine keeps the names of letterboxes


class Letterbox:
    """The letters of a host. Those who wait for one do not keep others from leaving one."""

    def __init__(self) -> None:
        """Is empty."""
        self._letters: dict[str, tuple[int, str]] = {DRIVER: (0, ""), HOST: (0, "")}
        self._sent: dict[str, tuple[str, int]] = {}  # who has left the last letter, and its number there
        self._data: dict[str, bytes] = {}
        self._news = asyncio.Condition()
        self._driver = ""
        self._asked = self._looked = time.monotonic()  # when the driver did, and when the host did

    async def put(self, to: str, text: str, sender: str, number: int) -> None:
        """Leaves a letter in place of the last one, unless the same sender has left a later one already."""
        async with self._news:
            if self._sent.get(to, ("", 0))[0] == sender and self._sent[to][1] > number:
                return
            self._sent[to] = sender, number
            self._letters[to] = self._letters[to][0] + 1, text
            self._news.notify_all()

    async def read_as_driver(self, driver: str, seen: int) -> tuple[int, str] | None:
        """The letter to the driver and its number, once it is newer than what was seen, or in a while.

        Returns:
          None where another driver has the host.
        """
        if driver != self._driver and self._driver and time.monotonic() - self._asked < FREE:
            return None
        self._driver, self._asked = driver, time.monotonic()
        letter = await self._newer(DRIVER, seen)
        self._asked = time.monotonic()
        return letter

    async def read_as_host(self, seen: int) -> tuple[int, str, float]:
        """As `read_as_driver`; and the seconds since a driver last asked, or since there is the letterbox.

        The time in which the host did not ask either does not count: then its whole machine was stopped.
        """
        letter = await self._newer(HOST, seen)
        now = time.monotonic()
        if now - self._looked > 2 * WAIT:
            self._asked += now - self._looked
        self._looked = now
        return *letter, now - self._asked

    async def put_data(self, name: str, content: bytes) -> None:
        """Leaves what the host needs and does not have, such as a data set."""
        async with self._news:
            self._data[name] = content
            self._news.notify_all()

    async def take_data(self, name: str) -> bytes:
        """What is left under a name, once it is."""
        async with self._news:
            await self._news.wait_for(lambda: name in self._data)
            return self._data.pop(name)

    async def _newer(self, to: str, seen: int) -> tuple[int, str]:
        async with self._news:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait_for(lambda: self._letters[to][0] > seen), WAIT)
            return self._letters[to]
