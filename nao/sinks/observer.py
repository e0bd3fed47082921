"""Tells a sink how a search goes on, without making the search wait or fail.

Axis letters: none.
"""

import contextlib
import queue
import threading

from nao.configuration import fingerprint
from nao.events import Ended, Event, Noticed, Observer, SearchBegan, silent
from nao.sinks.points import Point, Points
from nao.sinks.sink import Sink
from nao.study import default_folder
from nao.study.history import History

PATIENCE = 30.0  # seconds that the end of a search waits for a sink
SHOWN = 200  # characters of an error


class SinkObserver:
    """An observer that hands the curves of a search to a sink.

    A sink that fails is given up with one notice, and the search goes on. Nothing is lost by that: when the
    same search is run again, finished or not, a sink gets what it does not have.

    Args:
      sink: where the curves go.
      notify: is told of a sink that fails.
    """

    def __init__(self, sink: Sink, notify: Observer = silent):
        self._sink = sink
        self._notify = notify
        self._points = Points()
        self._sender: Sender | None = None

    def __call__(self, event: Event) -> None:
        """Hands on what an event adds to the curves."""
        if isinstance(event, SearchBegan):
            self._points, self._sender = Points(), Sender(self._sink, event.history)
        if self._sender is None:
            return
        for point in self._points.of(event):
            self._sender.put(point)
        if isinstance(event, Ended) and not self._sender.failure:
            self._sender.finish()
        if self._sender.failure:
            said = f"{type(self._sink).__name__} gets no more curves: {self._sender.failure}"
            self._sender = None
            self._notify(Noticed(f"{said}; the search goes on, and the same command logs the rest later"))


class Sender:
    """A thread that hands points to a sink, for one search.

    Args:
      sink: where they go.
      history: of the search.

    Attributes:
      failure: why the sink takes nothing more, in one line; empty while it does.
    """

    def __init__(self, sink: Sink, history: History):
        self.failure = ""
        self._points: queue.SimpleQueue[Point | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._send, args=(sink, history), daemon=True)
        self._thread.start()

    def put(self, point: Point) -> None:
        """Has a point handed on when its turn comes."""
        self._points.put(point)

    def finish(self) -> None:
        """Waits until everything is handed on, but not for ever."""
        self._points.put(None)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self.failure = self.failure or f"it has not taken everything after {PATIENCE:.0f} seconds"

    def _send(self, sink: Sink, history: History) -> None:
        try:
            first = sink.begin(*identified(history))
            while point := self._next(sink):
                if point[0] >= first:
                    sink.log(*point)
            sink.close()
        except Exception as error:  # whatever the package behind it raises
            self.failure = " ".join(f"{type(error).__name__}: {error}".split())[:SHOWN]
            with contextlib.suppress(Exception):
                sink.close()

    def _next(self, sink: Sink) -> Point | None:
        """The next point, for which the sink may have to wait; None at the end."""
        try:
            return self._points.get_nowait()
        except queue.Empty:
            sink.flush()
            return self._points.get()


def identified(history: History) -> tuple[str, str, dict[str, object]]:
    """The name of a search, a key that stays the same when it goes on, and its configuration."""
    configuration = dict(history.configuration)
    began = "".join(digit for digit in history.created[:19] if digit.isdigit())
    return default_folder(configuration).name, f"{fingerprint(configuration)}-{began}", configuration
