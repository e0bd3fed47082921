"""The door: who is let in, who is turned away, and what is said of them."""

import asyncio
import os
import socket
import threading

import pytest

from nao.evaluators.hosts import door as doors
from nao.evaluators.hosts.door import GREETING, Door, Refusals, TurnedAway, knock

ENGINE = "127.0.0.1:4242"


@pytest.fixture
def tokens(tmp_path):
    for name, content in {"right": "r" * 64, "wrong": "w" * 64}.items():
        (tmp_path / name).write_text(content + "\n")
    return {name: str(tmp_path / name) for name in ("right", "wrong")}


@pytest.fixture
def opened(tokens, monkeypatch):
    """The address of a door, and what it has said."""
    monkeypatch.setattr(doors, "PATIENCE", 0.3)
    monkeypatch.setattr(doors, "SELDOM", 0.0)
    said, started, listener = [], threading.Event(), socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()

    async def serve():
        server = await Door(listener, tokens["right"], ENGINE, said.append).open()
        started.set()
        await server.serve_forever()

    def run():
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(serve())

    thread = threading.Thread(target=run)
    thread.start()
    started.wait()
    yield listener.getsockname(), said
    loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
    thread.join()
    loop.close()


def connected(address):
    return socket.create_connection(address, timeout=5)


def answer(address, *lines):
    """All that the door answers to whoever says these lines."""
    with connected(address) as stranger, stranger.makefile("rwb") as file:
        for each in lines:
            file.write(each)
        file.flush()
        stranger.shutdown(socket.SHUT_WR)
        try:
            return file.read()
        except ConnectionResetError:
            return b""


def test_a_host_with_the_token_is_told_where_the_engine_is(opened, tokens):
    address, said = opened
    assert knock(connected(address), tokens["right"]) == ENGINE
    assert said == []


def test_a_host_with_another_token_is_refused_in_one_line(opened, tokens):
    address, said = opened
    with pytest.raises(TurnedAway, match="its token is another one"):
        knock(connected(address), tokens["wrong"])
    assert said == ["refused 127.0.0.1: its token is not the one of this search"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((b"GET / HTTP/1.1\r\n\r\n",), "it does not speak as a host does"),
        ((b"\x00\xff" * 4096,), "it does not speak as a host does"),
        ((b"x" * 100_000,), "it does not speak as a host does"),
        ((b"\n" * 5000,), "it does not speak as a host does"),
        ((GREETING + b"\n",), "it does not speak as a host does"),
        ((GREETING + b" nonce\n",), "it left before it had shown a token"),
        ((GREETING + b" nonce\n", b"f" * 64 + b"\n"), "its token is not the one of this search"),
        ((GREETING + b" nonce\n", b"f" * 5000 + b"\n"), "it does not speak as a host does"),
        ((GREETING + b" nonce\n", b"\xff\xfe\n"), "its token is not the one of this search"),
    ],
)
def test_a_stranger_is_refused_in_one_line_and_learns_nothing(opened, tokens, lines, reason):
    address, said = opened
    heard = answer(address, *lines)
    assert ENGINE.encode() not in heard
    assert said == [f"refused 127.0.0.1: {reason}"]
    assert knock(connected(address), tokens["right"]) == ENGINE


def test_one_that_says_nothing_is_refused_after_a_while(opened, tokens):
    address, said = opened
    with connected(address) as silent:
        assert knock(connected(address), tokens["right"]) == ENGINE  # others do not wait for it
        assert silent.recv(1) == b""
    assert said == ["refused 127.0.0.1: it has not shown a token within 0 s"]


def test_whoever_looks_whether_somebody_listens_is_no_stranger(opened):
    address, said = opened
    assert answer(address) == b""
    assert said == []


def test_many_strangers_at_once_do_not_keep_a_host_out(opened, tokens):
    address, said = opened
    strangers = [connected(address) for _ in range(100)]
    for each in strangers[::2]:
        each.sendall(os.urandom(64) + b"\n")
    assert knock(connected(address), tokens["right"]) == ENGINE
    for each in strangers:
        each.close()
    assert all(line.startswith("refused 127.0.0.1: ") and "\n" not in line for line in said)


def test_a_host_does_not_follow_a_door_that_cannot_know_its_token(opened, tokens, tmp_path):
    """One that has never seen the token, and says that all is well."""
    with socket.create_server(("127.0.0.1", 0)) as impostor:

        def lie():
            with impostor.accept()[0] as guest, guest.makefile("rwb") as file:
                file.readline()
                file.write(GREETING + b" nonce\n")
                file.flush()
                file.readline()
                file.write(b"10.0.0.1:1 " + b"f" * 64 + b"\n")
                file.flush()

        thread = threading.Thread(target=lie)
        thread.start()
        with pytest.raises(TurnedAway, match="it does not know the token of this host"):
            knock(connected(impostor.getsockname()), tokens["right"])
        thread.join()


@pytest.mark.parametrize("reply", [b"", b"\x00\x00\x18\x04\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_who_is_no_door_is_taken_for_an_engine(tokens, reply):
    with socket.create_server(("127.0.0.1", 0)) as engine:

        def hang_up():
            with engine.accept()[0] as guest:
                guest.sendall(reply)
                guest.recv(10)

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert knock(connected(engine.getsockname()), tokens["right"]) is None
        thread.join()


def test_one_that_knocks_for_ever_is_mentioned_seldom():
    said, now = [], 0.0
    refusals = Refusals(said.append, lambda: now)
    for _ in range(50):
        refusals.add("10.0.0.7", "it does not speak as a host does")
        now += 1.0
    refusals.add("10.0.0.7", "its token is not the one of this search")
    refusals.add("10.0.0.8", "its token is not the one of this search")
    now = 100.0
    refusals.add("10.0.0.7", "it does not speak as a host does")
    assert said == [
        "refused 10.0.0.7: it does not speak as a host does",
        "refused 10.0.0.7: its token is not the one of this search",
        "refused 10.0.0.8: its token is not the one of this search",
        "refused 10.0.0.7: it does not speak as a host does (and 49 times more since then)",
    ]
