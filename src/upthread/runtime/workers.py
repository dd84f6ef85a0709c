"""Several processes that do the same work, and one that watches over them.

The watcher replaces a worker that dies, passes on the request to stop, and ends as the last. Workers are forked, so
that they start at once with everything imported; the watcher itself runs no threads and no event loop.

Nothing here may import prometheus_client: :func:`shared_metrics` has to be entered before anything does.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import connection
from multiprocessing.context import ForkProcess

import structlog

from upthread.errors import StartError, UpthreadError

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
PATIENCE = 4.9
"""Seconds that workers have to stop before they are killed; they end by themselves a little sooner."""

Ready = Callable[[], None]
Work = Callable[[int, Ready], None]
"""What a worker does in its place, 0 and up; it calls what it is given once it is ready. It begins with
:data:`STOP_SIGNALS` held back, and lets them through when it can handle them, so that none is lost in between."""

log = structlog.get_logger(__name__)


@contextmanager
def shared_metrics(workers: int) -> Iterator[None]:
    """Let several workers tell their metrics as one sum, through files in a folder that is gone at the end.

    prometheus_client looks for the folder when it is first imported, so this comes before.
    """
    if workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="upthread-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def supervise(work: Work, count: int, announce: Callable[[], None], stop_taking: Callable[[], None]) -> None:
    """Keep ``count`` processes at work until SIGTERM or SIGINT, and return when all have ended.

    Args:
        work: what each does until SIGTERM.
        count: how many processes.
        announce: called once, when all are ready.
        stop_taking: gives back what this process holds for them, such as a port, before they are stopped.

    Raises:
        StartError: a worker ended before it was ready.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, _leave)
    crew = _Crew(work)
    try:
        for place in range(count):
            crew.start(place)
        while crew.ready < count:
            crew.wait()
        announce()
        while True:
            crew.wait()
    except SystemExit:
        log.info("stopping", workers=count)
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        stop_taking()
        crew.stop()


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)


def _forget_gauges(worker: ForkProcess) -> None:
    """Take what a dead worker had under way out of the sums; what it has counted stays."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - see above

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


class _Crew:
    """The workers there are, by their place, and which of them have said that they are ready."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._forking = multiprocessing.get_context("fork")
        self._reports, self._reporting = self._forking.Pipe(duplex=False)
        self._workers: dict[int, ForkProcess] = {}
        self._ready: set[int] = set()

    @property
    def ready(self) -> int:
        """How many are ready."""
        return len(self._ready)

    def start(self, place: int) -> None:
        """Start the worker of this place."""
        worker = self._forking.Process(target=self._run, args=(place,))
        # Python's handlers would run amid the fork, in both processes, where nothing can be done about what they raise.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        worker.start()
        self._workers[place] = worker
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def _run(self, place: int) -> None:
        try:
            self._work(place, lambda: self._reporting.send(place))
        except UpthreadError as error:
            log.critical("this worker can't start", reason=str(error))
            sys.exit(1)

    def wait(self) -> None:
        """Wait until one is ready or dead, and replace the dead.

        Raises:
            StartError: one died before it was ready; another in its place would do the same.
        """
        events = connection.wait([self._reports, *(worker.sentinel for worker in self._workers.values())])
        if self._reports in events:
            self._ready.add(self._reports.recv())
            return
        for place, worker in list(self._workers.items()):
            if worker.is_alive():
                continue
            if place not in self._ready:
                raise StartError("A worker process ended while it was starting; the lines above say why.")
            log.error("a worker died and is replaced", pid=worker.pid, exit_status=worker.exitcode)
            _forget_gauges(worker)
            self._ready.remove(place)
            self.start(place)

    def stop(self) -> None:
        """Ask all to stop, and kill those that don't in time."""
        end = time.monotonic() + PATIENCE
        for worker in self._workers.values():
            worker.terminate()
        for worker in self._workers.values():
            worker.join(max(0.0, end - time.monotonic()))
            if worker.is_alive():
                log.error("a worker had to be killed", pid=worker.pid)
                worker.kill()
