"""Stands between the driver and a MongoDB server, and cuts connections at moments that are hard to hit by chance."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Literal, Self

Part = Literal["request", "reply"]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class MongoProxy:
    """Forwards connections to the server until the end of the ``async with``.

    Args:
        port: where the server listens on this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._to_lose: deque[tuple[Part, bytes]] = deque()
        self._connections: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1")
        self.url = f"mongodb://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}/?directConnection=true"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def lose(self, part: Part, command: str) -> None:
        """Cut a connection at the next such command: before the server sees it, or before the driver has the reply.

        Called several times, as many commands are lost, in that order.
        """
        self._to_lose.append((part, command.encode() + b"\0"))  # as a name ends in BSON

    @property
    def lost_all(self) -> bool:
        """Whether everything that was to be lost has been."""
        return not self._to_lose

    def cut(self) -> None:
        """Cut every connection there is, whatever it is doing."""
        for connection in self._connections:
            connection.cancel()

    def _accept(self, *driver: *Streams) -> None:
        connection = asyncio.create_task(self._forward(driver))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _forward(self, driver: Streams) -> None:
        writers = [driver[1]]
        try:
            server = await asyncio.open_connection("127.0.0.1", self._port)
            writers.append(server[1])
            await _Connection(driver, server, self._to_lose).forward()
        except OSError:  # there is no server just now, or one of both has gone
            pass
        finally:
            for writer in writers:
                writer.transport.abort()


class _Connection:
    def __init__(self, driver: Streams, server: Streams, to_lose: deque[tuple[Part, bytes]]) -> None:
        self._driver = driver
        self._server = server
        self._to_lose = to_lose
        self._reply_is_lost = False

    async def forward(self) -> None:
        """Forward both ways until one of them ends, or is to end."""
        both_ways = [asyncio.create_task(self._requests()), asyncio.create_task(self._replies())]
        try:
            await asyncio.wait(both_ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in both_ways:
                way.cancel()
            await asyncio.gather(*both_ways, return_exceptions=True)

    async def _requests(self) -> None:
        while data := await self._driver[0].read(1 << 20):
            if self._to_lose and self._to_lose[0][1] in data:
                part, _ = self._to_lose.popleft()
                if part == "request":
                    return
                self._reply_is_lost = True
            self._server[1].write(data)

    async def _replies(self) -> None:
        while data := await self._server[0].read(1 << 20):
            if self._reply_is_lost:
                return
            self._driver[1].write(data)
