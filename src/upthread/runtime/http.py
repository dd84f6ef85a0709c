"""HTTP on a socket that listens: uvicorn's protocol, which speaks ASGI, with what it leaves to others.

An answer that the application has ready is written from within the callback that has read the request, without a task:
on the front page that is half of what it costs. All other requests go uvicorn's way. Added are bounds for clients that
are slow, silent, or send what never ends, and for how many may come.
"""

import asyncio
import socket
from email.utils import formatdate
from typing import Any, cast

from starlette.types import Scope
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from upthread.runtime.requests import Requests

BACKLOG = 1024
"""New connections that the kernel keeps waiting for us."""
IDLE = 65.0
"""Seconds a connection may be silent, be sending the head of a request, or take nothing of its answer. They are more
than the 60 for which the usual proxies keep theirs, so that none sends a request into a connection that we close."""
HEAD_BYTES = 64 * 1024
"""How long the head of a request may be that does not come in one piece. One that does is as long as a read at most."""
PIPELINED = 100
"""Requests that may wait on a connection for the answer to the one before them."""

CLOSE = "connection: close\r\n"


class Server:
    """Takes the connections of a listening socket, and knows which are open."""

    def __init__(self, requests: Requests, listener: socket.socket, most: int) -> None:
        """Begin.

        Args:
            requests: the application.
            listener: listens already; closed at the end.
            most: connections open at a time; further ones wait in the kernel.
        """
        self.requests = requests
        # Each request has a context of its own: one that had to wait for another's answer would inherit that one's.
        self.config = Config(
            requests,
            interface="asgi3",
            http="httptools",
            ws="none",
            lifespan="off",
            proxy_headers=False,  # uvicorn would believe whoever is on this machine
            access_log=False,
            log_config=None,
            log_level="critical",  # what there is to say of requests, they say themselves
            reset_contextvars=True,
        )
        self.config.load()
        self.state = ServerState()
        self.date = ""
        self.stopping = False
        self._listener = listener
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._door: asyncio.Server | None = None
        self._closed = asyncio.Event()

    def start(self) -> None:
        """Take connections from now on."""
        self._tick()

    async def _open(self) -> None:
        self._door = await self._loop.create_server(self._connection, sock=self._listener.dup(), backlog=BACKLOG)

    def _connection(self) -> "Connection":
        if len(self.state.connections) + 1 >= self._most:
            self._loop.call_soon(self._shut)
        return Connection(self)

    def _shut(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None

    def _tick(self) -> None:
        """Once a second: what time answers tell, and whether there is room for connections again."""
        self.date = formatdate(usegmt=True)
        self.state.default_headers = [(b"date", self.date.encode())]
        self._ticking = self._loop.call_later(1, self._tick)
        if self._door is None and len(self.state.connections) < self._most:
            self._opening = self._loop.create_task(self._open())

    def stop(self) -> None:
        """Give the port back and close all connections, those on which requests run after the answer."""
        self.stopping = True
        self._ticking.cancel()
        self._opening.cancel()
        self._shut()
        self._listener.close()
        for connection in list(self.state.connections):
            connection.shutdown()
        self.closed()

    def closed(self) -> None:
        """Take note that a connection is closed."""
        if self.stopping and not self.state.connections:
            self._closed.set()

    async def ended(self) -> None:
        """Return when all connections are closed, after :meth:`stop`."""
        await self._closed.wait()


class Connection(HttpToolsProtocol):
    """A connection, on which requests come one after the other."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.config, server.state, {})
        self._server = server
        self._from_memory = server.requests.from_memory
        self._running: RequestResponseCycle | None = None
        self._unparsed = 0
        self._unsent = 0

    # its beginning and end

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin."""
        super().connection_made(transport)
        self._waits_since = self.loop.time()
        self._timer = self.loop.call_later(IDLE, self._look)
        if self._server.stopping:
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        if self._running is not None:  # uvicorn tells only the last request, but it is the first that is answered
            self._running.disconnected = True
            self._running.message_event.set()
        self._timer.cancel()
        self._server.closed()

    def _look(self) -> None:
        """Close the connection if nothing happens on it. One timer looks now and then; one for each request is dear."""
        unsent = self.transport.get_write_buffer_size()
        left = IDLE if unsent or self._busy() else self._waits_since + IDLE - self.loop.time()
        if left <= 0 or (unsent and unsent == self._unsent):
            self.transport.abort()
            return
        self._unsent = unsent
        self._timer = self.loop.call_later(left, self._look)

    def _busy(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    # what comes

    def data_received(self, data: bytes) -> None:
        """Parse what has come. A head, or what follows a chunked body, must not go on for ever."""
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of this request is too long.")

    def on_message_begin(self) -> None:
        """A request begins."""
        if len(self.pipeline) >= PIPELINED:
            raise ValueError("too many requests at once")  # to the parser, which stops at it
        self._waits_since = self.loop.time()
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """A piece of a request's body has come."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has come in full."""
        self._unparsed = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse to go on. Answers that are due to requests from before go out first."""
        if self._busy() and not self.cycle.more_body:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        else:
            super().send_400_response(msg)

    # what goes

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn has no public place for this. If it moves, tests/process/test_http.py says so.
        if self.transport.is_closing():  # the last answer said so
            return
        # Who does not take what was written waits in a task, with all others behind.
        waits = self.flow.write_paused or self.pipeline
        found = None if waits else self._from_memory(cast("Scope", cycle.scope))
        if found is None:
            _HeadWithBody(cycle)
            self._running = cycle
            super()._start_asgi_task(cycle, app)
            return
        answer, own_id = found
        cycle.response_complete = True
        last = f"date: {self._server.date}\r\nrequest-id: {own_id}\r\n{'' if cycle.keep_alive else CLOSE}\r\n"
        self.transport.writelines((answer.head + last.encode(), answer.body))
        if not cycle.keep_alive:
            self.transport.close()

    def on_response_complete(self) -> None:
        """An answer has been written by the application."""
        super().on_response_complete()
        self._unset_keepalive_if_required()  # our own timer looks after that
        self._waits_since = self.loop.time()


class _HeadWithBody:
    """A cycle's transport that holds the head of its answer back until there is some of the body.

    Else each would be a packet of its own and wake its reader up, which took longer than to make the head.
    """

    def __init__(self, cycle: RequestResponseCycle) -> None:
        """Take the transport's place."""
        self._cycle = cycle
        self._transport, cycle.transport = cycle.transport, cast("asyncio.Transport", self)
        self._completed, cycle.on_response = cycle.on_response, self._complete
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Send this, or keep it if it is the head."""
        if self._transport.is_closing():  # the client has left
            return
        if self._head is None and self._cycle.response_started:
            self._head = data
        elif self._head:
            self._transport.writelines((self._head, data))
            self._head = b""
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection when all is sent."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether that has been asked for."""
        return self._transport.is_closing()

    def _complete(self) -> None:
        self._flush()
        self._completed()

    def _flush(self) -> None:
        """Send a head that no body comes with."""
        if self._head and not self._transport.is_closing():
            self._transport.write(self._head)
        self._head = b""
