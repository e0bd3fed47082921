"""A budget in time: what is done inside ends when the time is up, wherever it is."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from nao.inputs import InputError, real_number, show_wrong
from nao.records import Real

AGAIN = 5.0  # seconds until it is said again, to code that has not heard it
MOST = 1_000_000  # minutes; more are taken to be a mistake


class TimeIsUp(BaseException):
    """The time is up. Like Ctrl-C it is no error, and comes whatever is being done."""


def time_limit(minutes: Real | None) -> contextlib.AbstractContextManager[None]:
    """Ends what is done inside after that many minutes.

    Args:
      minutes: of the clock on the wall; None for no limit.

    Raises:
      TimeIsUp: they are over.
      InputError: they are no number above 0, or this is not the main thread, the only one to be interrupted.
    """
    if minutes is None:
        return contextlib.nullcontext()
    limit = real_number(minutes)
    if limit is None or not 0 < limit <= MOST:
        raise InputError(f"minutes must be above 0 and at most {MOST:,}, not {show_wrong(minutes)}")
    if threading.current_thread() is not threading.main_thread():
        raise InputError("minutes can be limited in the main thread only; leave them out")
    return _alarm(60 * limit)


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Interrupts what is done inside after so long."""
    inside = True

    def end(number: int, frame: FrameType | None) -> None:
        if not inside:
            signal.setitimer(signal.ITIMER_REAL, 0)
        elif _whole:
            _whole.append(True)
        else:
            raise TimeIsUp

    before = signal.signal(signal.SIGALRM, end)
    try:
        try:  # the time may be up at once, or while this ends
            signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
            yield
        finally:
            inside = False
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_whole: list[bool] = []  # an entry for each thing that is being done to its end, then one for each alarm


@contextlib.contextmanager
def to_the_end() -> Iterator[None]:
    """Has what is done inside done to its end, even if the time is up: that is said right after.

    Signals cannot be blocked for this: one that a thread blocks is given to another, and handled here.
    """
    if _whole or threading.current_thread() is not threading.main_thread():
        yield
        return
    _whole.append(False)
    try:
        yield
    finally:
        rung = any(_whole)
        _whole.clear()
    if rung:
        raise TimeIsUp
