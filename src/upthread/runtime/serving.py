"""Serving an ASGI application on a port, by one process or by several, from a clear start to an end that loses nothing.

One worker is one process with one event loop, in which HTTP is spoken (:mod:`upthread.runtime.http`), the application
runs and the databases live.

The start: :func:`listen` takes the port before anything else is made, and keeps it. What connects from then on waits
in the kernel until the application is there. Each worker has a socket of its own, among which the kernel spreads the
connections (of 64 opened one by one, a shared socket gave 62 to one of two workers). The sockets belong to the process
that watches over the workers, so the one that takes a dead worker's place finds what has queued up meanwhile.

The end, on SIGTERM or SIGINT: the port is given back and idle connections are closed at once; requests that run get
:data:`DRAIN` seconds and are then cut; then the application ends, and with it the databases, which commit what was
queued. A client that sends its request a letter a minute holds up none of this.
"""

import asyncio
import errno
import multiprocessing
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import structlog
import uvloop
from starlette.types import ASGIApp

from upthread.errors import StartError
from upthread.runtime import garbage
from upthread.runtime.http import BACKLOG, Server
from upthread.runtime.requests import Requests
from upthread.runtime.workers import STOP_SIGNALS, supervise

CONNECTIONS = 4096
"""Open connections of a process (an idle one costs 10 kB); further ones wait in the kernel."""
OTHER_FILES = 256
"""Descriptors kept free for databases, logs and calls to other services."""
DRAIN = 4.0
"""Seconds that running requests have to end after we were asked to stop."""
CUT = 0.3
"""Seconds for the answers of the requests that were cut to go out."""
LAST_RESORT = 4.8
"""Seconds after which the process ends whatever still hangs: a thread in a long search, a disk that does not answer.
Nothing acknowledged is lost by it, as that is on disk before it is acknowledged."""

AppFactory = Callable[[], AbstractAsyncContextManager[ASGIApp]]
"""Makes the application inside the event loop that will run it, and ends it there."""

log = structlog.get_logger(__name__)


def listen(host: str, port: int, workers: int = 1) -> list[socket.socket]:
    """Take a port and keep it, with a socket for each worker. Port 0 takes any that is free.

    Raises:
        StartError: the address is not ours, or the port is not free.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        first = _socket(family, str(address[0]), port)
        if workers == 1:
            return [first]
        # Sockets that share a port share it with any other program of this user that wants to. So it was taken alone
        # first, to see that nobody is there.
        port = first.getsockname()[1]
        first.close()
        return [_socket(family, str(address[0]), port, shared=True) for _ in range(workers)]
    except socket.gaierror:
        raise StartError("There is no address {host} to listen on.", host=host) from None
    except OSError as error:
        raise _refusal(error, host, port) from None


def _socket(family: int, address: str, port: int, *, shared: bool = False) -> socket.socket:
    listener = socket.create_server(
        (address, port), family=family, backlog=BACKLOG, reuse_port=shared, dualstack_ipv6=address == "::"
    )
    # Accepted connections inherit it, so small answers go out at once.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address(host: str, listener: socket.socket) -> str:
    """The address to tell people of what listens there, such as ``http://127.0.0.1:9292``."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - recognised here, not listened on
    named = everywhere.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{named}:{listener.getsockname()[1]}"


def _refusal(error: OSError, host: str, port: int) -> StartError:
    messages = {
        errno.EADDRINUSE: "Port {port} on {host} is taken by another program; choose another with --port.",
        errno.EACCES: "Port {port} on {host} is not for ordinary users; choose one above 1023 with --port.",
        errno.EADDRNOTAVAIL: "This machine has no address {host}; choose another with --host.",
    }
    message = messages.get(error.errno or 0, "Port {port} on {host} can't be listened on: {reason}.")
    return StartError(message, port=port, host=host, reason=error.strerror or str(error))


def serve(
    app_factory: AppFactory, listeners: Sequence[socket.socket], announce: Callable[[], None], process: str = "ui"
) -> None:
    """Serve until SIGTERM or SIGINT, and return when all has ended.

    Args:
        app_factory: makes the application, once in each worker.
        listeners: from :func:`listen`, closed at the end. With one, this process serves; with more, each has a
            process of its own and this one watches over them.
        announce: called once, when all workers take requests.
        process: what the names of the requests' figures begin with.

    Raises:
        StartError: the application could not be made.
    """
    if len(listeners) == 1:
        uvloop.run(_work(app_factory, listeners[0], announce, process))
        return

    def work(place: int, ready: Callable[[], None]) -> None:
        for other in [*listeners[:place], *listeners[place + 1 :]]:
            other.close()
        uvloop.run(_work(app_factory, listeners[place], ready, process))

    def stop_taking() -> None:
        for listener in listeners:
            listener.close()

    supervise(work, len(listeners), announce, stop_taking)


async def _work(app_factory: AppFactory, listener: socket.socket, ready: Callable[[], None], process: str) -> None:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    starting = asyncio.current_task()
    supervisor = multiprocessing.parent_process()

    def stop() -> None:
        if asked.is_set():
            return
        asked.set()
        _end_at_last()
        if supervisor is not None:
            loop.remove_reader(supervisor.sentinel)
        if starting is not None:
            starting.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    if supervisor is not None:  # whoever should stop us may die without doing so
        loop.add_reader(supervisor.sentinel, stop)
    try:
        async with app_factory() as app:
            starting = None
            await _serve_until(asked, app, listener, ready, process)
    except asyncio.CancelledError:
        if not asked.is_set():
            raise


async def _serve_until(
    asked: asyncio.Event, app: ASGIApp, listener: socket.socket, ready: Callable[[], None], process: str = "ui"
) -> None:
    requests = Requests(app, process)
    server = Server(requests, listener, _affordable_connections())
    server.start()
    garbage.collect_less()
    ready()
    await asked.wait()
    server.stop()

    async def drain() -> None:
        await server.ended()  # open connections, and the requests on them
        await requests.ended()  # what requests do after their answer

    draining = asyncio.create_task(drain())
    if not (await asyncio.wait([draining], timeout=DRAIN))[0]:
        log.warning("connections were cut, as they took too long to end", requests=requests.cut())
        await asyncio.wait([draining], timeout=CUT)


def _end_at_last() -> None:
    def end() -> None:
        log.error("this process had to be ended, as something in it hangs", after=LAST_RESORT)
        os._exit(0)

    timer = threading.Timer(LAST_RESORT, end)
    timer.daemon = True
    timer.start()


def _affordable_connections() -> int:
    """As many of :data:`CONNECTIONS` as the operating system lets this process open."""
    wanted = CONNECTIONS + OTHER_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(1, allowed - OTHER_FILES)
