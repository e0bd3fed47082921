"""Letters: the last one to each side is kept, whoever asks for it, until there is another."""

import asyncio

from nao.evaluators.hosts import letterbox
from nao.evaluators.hosts.letterbox import DRIVER, HOST, Letterbox


def test_the_last_letter_is_read_by_whoever_comes():
    async def play():
        box = Letterbox()
        for number, text in enumerate(("first", "second"), 1):
            await box.put(DRIVER, text, "x", number)
        assert await box.read_as_driver("a", 0) == (2, "second")
        assert await box.read_as_driver("a", 0) == (2, "second")
        await box.put(HOST, "orders", "x", 1)
        assert (await box.read_as_host(0))[:2] == (1, "orders")

    asyncio.run(play())


def test_a_letter_that_was_overtaken_is_of_no_use():
    async def play():
        box = Letterbox()
        await box.put(HOST, "second", "x", 2)
        await box.put(HOST, "first", "x", 1)
        assert (await box.read_as_host(0))[1] == "second"
        await box.put(HOST, "of the next driver", "y", 1)
        assert (await box.read_as_host(1))[1] == "of the next driver"

    asyncio.run(play())


def test_whoever_waits_is_woken():
    async def play():
        box = Letterbox()
        waiting = asyncio.create_task(box.read_as_driver("a", 0))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        await box.put(DRIVER, "news", "x", 1)
        assert await waiting == (1, "news")

    asyncio.run(play())


def test_without_news_the_wait_ends(monkeypatch):
    monkeypatch.setattr(letterbox, "WAIT", 0.01)

    async def play():
        assert await Letterbox().read_as_driver("a", 0) == (0, "")

    asyncio.run(play())


def test_a_host_has_one_driver_at_a_time(monkeypatch):
    monkeypatch.setattr(letterbox, "FREE", 0.05)

    async def play():
        box = Letterbox()
        await box.put(DRIVER, "news", "x", 1)
        assert await box.read_as_driver("a", 0) == (1, "news")
        assert await box.read_as_driver("b", 0) is None
        await asyncio.sleep(0.1)
        assert await box.read_as_driver("b", 0) == (1, "news")
        await box.put(HOST, "orders", "x", 1)
        assert (await box.read_as_host(0))[2] < 0.05

    asyncio.run(play())


def test_a_pause_of_the_whole_machine_is_no_silence_of_the_driver(monkeypatch):
    monkeypatch.setattr(letterbox, "WAIT", 0.01)

    async def play():
        box = Letterbox()
        await asyncio.sleep(0.2)
        assert (await box.read_as_host(0))[2] < 0.1
        for _ in range(8):
            silent = (await box.read_as_host(0))[2]
        assert silent > 0.05

    asyncio.run(play())


def test_data_is_taken_once_it_is_there():
    async def play():
        box = Letterbox()
        taking = asyncio.create_task(box.take_data("x"))
        await asyncio.sleep(0.01)
        await box.put_data("y", b"2")
        await box.put_data("x", b"1")
        assert await taking == b"1"

    asyncio.run(play())
