"""Many runs at a time, in processes of their own.

Workers are started afresh (`spawn`), since JAX does not survive a fork. Each is handed what it plays once,
pickled, and computes on one thread, so that workers do not get into each other's way.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection

from nao.compare.run import Query
from nao.core import InputError
from nao.events import Job

Play = Callable[[Job], list[Query]]

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def play_in_workers(
    play: Play, jobs: Sequence[Job], workers: int
) -> Generator[tuple[Job, list[Query]], None, None]:
    """Plays every job in one of the workers. Leaving the loop early stops the workers at once.

    Args:
      play: a run; can be pickled.
      jobs: which runs.
      workers: how many at a time.

    Yields:
      (job, its queries), in the order in which they finish.

    Raises:
      InputError: a worker was killed.
    """
    context = multiprocessing.get_context("spawn")
    # Workers live as long as this end of the pipe is open: until here all is done, or this process is
    # killed in whatever way.
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _begin, (play, theirs))
    try:
        with _environment(ONE_THREAD), _interrupts_held_back():
            futures = {pool.submit(_work, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker was killed, perhaps for want of memory; what is finished is kept:"
            " the same command goes on, and needs less with --workers 1"
        ) from error
    finally:
        ours.close()
        pool.shutdown(cancel_futures=True)
        theirs.close()


_play: Play  # what this worker plays


def _begin(play: Play, lifeline: Connection) -> None:
    """Prepares a worker."""
    global _play
    _play = play
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the main process decides
    threading.Thread(target=_die_with, args=(lifeline,), daemon=True).start()


def _die_with(lifeline: Connection) -> None:
    """Ends this process when the other end of the pipe is closed."""
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv_bytes()
    os._exit(1)


def _work(job: Job) -> list[Query]:
    return _play(job)


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Keeps Ctrl-C waiting, here and in the processes that are started meanwhile.

    Those inherit that for good: one that is still importing would otherwise print a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets variables for the processes that are started meanwhile; those that are set already stay."""
    new = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]
