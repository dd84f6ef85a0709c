"""Drives servers: as fast as they answer (wrk), or at a fixed rate whether they answer or not."""

import gc
import re
import select
import socket
import subprocess
import time
from bisect import bisect
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from msgspec import Struct

from bench.data import Site
from bench.machine import cores, needed
from bench.servers import Server
from upthread.databases import file_in
from upthread.storage.sqlite import connect

VOTED_ON = 200_000
"""Posts that votes are on, where there are so many."""
NEWEST = 1_000
"""Posts that votes are on such as people give in the hours after something was posted."""
CONNECTIONS = 8
"""Requests that run at once in a closed loop, unless told otherwise."""
CONNECTIONS_OPENED = 256
"""Connections over which requests are sent at a fixed rate, opened before as a proxy's are. Each has one request at a
time; more of them wait, and that counts."""
POST = Path(__file__).with_name("post.lua")
FROM_HERE = {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
"""What a browser's script says with a form."""
PATIENCE = 20
"""Seconds after which a request counts as failed: a shared disk may stall for longer than wrk's own two."""
LONGEST = 10
"""Seconds that are given to a burst in which nothing was answered."""
LONG = 0.25
"""Seconds that no request may take."""
LOOK = 0.02
"""Seconds after which it is looked again how long others have had the server's core."""


class Burst(Struct, frozen=True):
    """What came of some seconds of load."""

    requests: int
    rate: float
    """Requests a second."""
    cpu_us: dict[str, float]
    """Microseconds of CPU for one request, by process."""

    @property
    def cpu(self) -> float:
        """Microseconds of CPU of all processes for one request."""
        return sum(self.cpu_us.values())


def get(server: Server, path: str, seconds: int, cookie: str = "", connections: int = CONNECTIONS) -> Burst:
    """Ask for a page as fast as it comes."""
    return _wrk(server, path, seconds, connections, {"Cookie": cookie} if cookie else {})


def post(server: Server, site: Site, path: str, seconds: int) -> Burst:
    """Send an empty form as fast as it is taken, by all voters at once."""
    return _wrk(server, path, seconds, len(site.voters), FROM_HERE, "-s", str(POST), arguments=[_sessions(site)])


def vote(server: Server, site: Site, seconds: int, given: int, posts: Sequence[int]) -> Burst:
    """Let all voters vote on these posts as fast as votes are answered; ``given`` is how many they had given before."""
    file = site.folder / "voted-on"
    file.write_text("\n".join(map(str, posts)))
    arguments = [_sessions(site), str(file), str(given)]
    return _wrk(server, "/", seconds, len(site.voters), FROM_HERE, "-s", str(POST), arguments=arguments)


def _sessions(site: Site) -> str:
    file = site.folder / "sessions"
    file.write_text("\n".join(site.voters))
    return str(file)


def posts_of(site: Site, *, newest: bool) -> list[int]:
    """Posts to vote on, the same ones each time: the newest of the site's SQLite file, or some of all ages."""
    random = Random(1)  # noqa: S311 - places, not secrets
    with closing(connect(file_in(site.folder, "post"), read_only=True)) as connection:
        by_time = """
            SELECT id, created_at FROM post INDEXED BY post_by_created_at WHERE state = 'live'
            ORDER BY created_at DESC LIMIT ?
        """
        latest = dict(connection.execute(by_time, (NEWEST,)))
        if newest:
            return list(latest)
        last = connection.execute("SELECT max(id) FROM post").get
        places = random.sample(range(1, last + 1), min(last, VOTED_ON))
        there = "SELECT 1 FROM post WHERE id = ? AND state = 'live'"
        return [place for place in places if place not in latest and connection.execute(there, (place,)).fetchone()]


def _wrk(
    server: Server,
    path: str,
    seconds: int,
    connections: int,
    headers: dict[str, str],
    *options: str,
    arguments: list[str] | None = None,
) -> Burst:
    """Let wrk ask from one thread.

    Raises:
        RuntimeError: a request failed.
    """
    _, drivers = cores()
    command = [
        *(needed("taskset"), "-c", drivers, needed("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s"),
        *("--timeout", f"{PATIENCE}s"),
        *(part for name, value in headers.items() for part in ("-H", f"{name}: {value}")),
        *(*options, server.url + path, "--", *(arguments or [])),
    ]
    before = server.cpu()
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own
    after = server.cpu()
    requests = int(re.findall(r"(\d+) requests in", said)[0])
    if not requests and seconds < LONGEST:  # a page of a second on a busy machine
        return _wrk(server, path, LONGEST, connections, headers, *options, arguments=arguments)
    if "Non-2xx" in said or "Socket errors" in said or not requests:
        raise RuntimeError(f"requests for {path} failed:\n{said}")
    return Burst(
        requests=requests,
        rate=float(re.findall(r"Requests/sec:\s+([\d.]+)", said)[0]),
        cpu_us={name: (after[name] - before[name]) / requests * 1e6 for name in after},
    )


class Latency(Struct, frozen=True):
    """How long answers took at a fixed rate, in milliseconds, counted from when each request was due."""

    rate: float
    p50: float
    p99: float
    p999: float
    longest: float
    over: int
    """Requests that took longer than 250 ms."""
    over_by_machine: int
    """Those of them that would have taken less if the server had always been let run when it could."""


_ROOM = memoryview(bytearray(1 << 20))
"""What answers are read into; only their heads are looked at."""


class _Connection:
    """One request at a time. ``due`` is when the present one was, as a time of the performance counter."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._head = b""
        self._missing: int | None = None
        """Bytes of the answer that have still to come; None until its head has come."""

    def ask(self, request: bytes, due: float) -> None:
        self.due, self._head, self._missing = due, b"", None
        self.socket.sendall(request)

    def answered(self) -> bool:
        """Take what has come, and tell whether that was the last of it.

        Raises:
            RuntimeError: the answer is no page.
        """
        count = self.socket.recv_into(_ROOM)
        if self._missing is None:
            self._head += _ROOM[:count]
            end = self._head.find(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", self._head[: max(end, 0)])
            if not count or (end >= 0 and (length is None or b" 200 " not in self._head[:16])):
                raise RuntimeError(f"a request failed: {self._head[:200]!r}")
            if length is not None:
                self._missing = end + 4 + int(length[1]) - len(self._head)
        else:
            self._missing -= count
            if not count:
                raise RuntimeError("a connection was closed amidst an answer")
        return self._missing == 0


class _Sender:
    """Sends what is due and takes what is answered, and notes how long that took."""

    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        self.waiting: deque[float] = deque()
        self.took: list[float] = []
        self.late: list[tuple[float, float]] = []
        """Requests over :data:`LONG`: when they were due, and when they were answered."""
        self._request = request
        self._everyone: dict[int, _Connection] = {}
        self._idle: deque[_Connection] = deque()
        self._poll = select.epoll()
        for _ in range(CONNECTIONS_OPENED):
            connection = _Connection(address)
            self._idle.append(connection)
            self._everyone[connection.socket.fileno()] = connection
            self._poll.register(connection.socket.fileno(), select.EPOLLIN)

    def warm_up(self) -> None:
        """Have an answer on each connection, and forget how long that took."""
        self.waiting.extend([time.perf_counter()] * CONNECTIONS_OPENED)
        while self.busy:
            self.send()
            self.take(LOOK)
        self.took.clear()
        self.late.clear()

    @property
    def busy(self) -> bool:
        """Whether anything is unanswered."""
        return bool(self.waiting) or len(self._idle) < len(self._everyone)

    def send(self) -> None:
        """Send what waits, as far as connections are idle."""
        while self.waiting and self._idle:
            self._idle.popleft().ask(self._request, self.waiting.popleft())

    def take(self, wait: float) -> None:
        """Take what is answered within so many seconds."""
        for number, _ in self._poll.poll(wait):
            connection = self._everyone[number]
            if connection.answered():
                done = time.perf_counter()
                self.took.append(done - connection.due)
                if done - connection.due > LONG:
                    self.late.append((connection.due, done))
                self._idle.append(connection)

    def close(self) -> None:
        """Close all connections."""
        self._poll.close()
        for connection in self._everyone.values():
            connection.socket.close()


def at_rate(server: Server, path: str, rate: float, seconds: float, cookie: str = "") -> Latency:
    """Ask at random moments, so many a second on average, and however many are still unanswered.

    A closed loop waits for a slow answer and so never sees who would have come meanwhile; this one does.
    """
    where = urlsplit(server.url)
    cookies = f"Cookie: {cookie}\r\n" if cookie else ""
    request = f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\n{cookies}\r\n".encode()
    sender = _Sender((str(where.hostname), int(where.port or 80)), request)
    random = Random(1)  # noqa: S311 - moments, not secrets
    sender.warm_up()
    kept_waiting = [(0.0, 0.0)]
    gc.collect()
    gc.disable()
    now = begin = time.perf_counter()
    due, end = begin + random.expovariate(rate), begin + seconds
    while due < end or sender.busy:
        while due <= now and due < end:
            sender.waiting.append(due)
            due += random.expovariate(rate)
        sender.send()
        # The last millisecond is spent looking, because the kernel's alarm is no more exact than that.
        sender.take(max(min(due - now, LOOK) - 0.001, 0))
        now = time.perf_counter()
        if now > kept_waiting[-1][0] + LOOK:
            kept_waiting.append((now, server.waited()))
    kept_waiting.append((now, server.waited()))
    gc.enable()
    sender.close()
    took = sorted(sender.took)
    p50, p99, p999 = (took[int(len(took) * part)] * 1000 for part in (0.5, 0.99, 0.999))
    return Latency(
        rate=len(took) / seconds,
        p50=p50,
        p99=p99,
        p999=p999,
        longest=took[-1] * 1000,
        over=len(sender.late),
        over_by_machine=sum(done - due - _others(kept_waiting, due, done) <= LONG for due, done in sender.late),
    )


def _others(kept_waiting: list[tuple[float, float]], begin: float, end: float) -> float:
    """Seconds between these two moments, and up to a look before, for which others had the server's core."""
    first = max(bisect(kept_waiting, (begin,)) - 1, 1)
    last = min(bisect(kept_waiting, (end,)), len(kept_waiting) - 1)
    return kept_waiting[last][1] - kept_waiting[first][1]
