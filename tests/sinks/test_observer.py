"""A sink neither delays a search nor ends it."""

import threading

import pytest

from nao.events import Ended, Noticed, Preparing, together
from nao.sinks import SinkObserver, observer
from tests.sinks.searches import ListSink, play, small


def test_a_sink_is_told_what_the_search_is(tmp_path):
    sink = ListSink()
    history = small(sink, tmp_path / "a")
    ((name, key, configuration),) = sink.begun
    assert configuration == history.configuration
    assert name.startswith("pairs-sum-of-letters-")
    assert key.startswith(name.rsplit("-", 1)[1])
    assert key.endswith("".join(c for c in history.created[:19] if c.isdigit()))
    again = ListSink()
    small(again, tmp_path / "a", iterations=3)
    assert again.begun[0][:2] == (name, key)  # it goes on
    other = ListSink()
    small(other, tmp_path / "b", seed=1)
    assert other.begun[0][1] != key


def test_a_sink_is_flushed_and_closed_once():
    sink = ListSink()
    small(sink)
    assert sink.closed == 1
    assert sink.flushed >= 1


def scores(history):
    return [(str(trial.architecture), trial.score) for trial in history.trials]


@pytest.mark.parametrize("method", ["begin", "log", "close"])
def test_a_sink_that_fails_is_one_notice_and_the_search_goes_on(method, tmp_path):
    sink, told = ListSink(fails=method), []
    assert scores(small(sink, tmp_path, told=told)) == scores(small(ListSink()))
    (event,) = told
    assert isinstance(event, Noticed)
    assert event.notice.startswith("ListSink gets no more curves: ConnectionError: the server is gone;")
    assert "\n" not in event.notice
    assert sink.closed >= 1
    later = ListSink()
    small(later, tmp_path)  # the same search once more, which is complete
    assert later.curve("search/evaluations") == [(m, m) for m in range(1, 43)]


def test_a_sink_that_hangs_does_not_hold_the_search(monkeypatch):
    released = threading.Event()

    class Hanging(ListSink):
        def log(self, step, values):
            released.wait()

    monkeypatch.setattr(observer, "PATIENCE", 0.05)
    told = []
    history = small(Hanging(), told=told)
    released.set()
    assert history.complete
    assert [event.notice.split("; ")[0] for event in told] == [
        "Hanging gets no more curves: it has not taken everything after 0 seconds"
    ]


def test_the_first_sink_that_fails_leaves_the_others_alone():
    good, told = ListSink(), []
    bad = SinkObserver(ListSink(fails="begin"), told.append)
    play(together(bad, SinkObserver(good)))
    assert len(told) == 1
    assert len(good.curve("search/evaluations")) == 42


def test_one_observer_can_watch_one_search_after_the_other():
    sink = ListSink()
    watching = SinkObserver(sink)
    for seed in (0, 1):
        play(watching, iterations=0, initial=5, confirm=None, seed=seed)
    assert [m for m, _ in sink.curve("search/evaluations")] == [1, 2, 3, 4, 5] * 2
    assert (len(sink.begun), sink.closed) == (2, 2)


def test_without_a_search_nothing_is_begun():
    sink = ListSink()
    watching = SinkObserver(sink)
    watching(Preparing("compiling"))
    watching(Ended())
    assert (sink.begun, sink.logged, sink.closed) == ([], [], 0)


def test_together_tells_each_in_order():
    told = []
    together(lambda e: told.append(("a", e)), lambda e: told.append(("b", e)))(Ended())
    assert told == [("a", Ended()), ("b", Ended())]
