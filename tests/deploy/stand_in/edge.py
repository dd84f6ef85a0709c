"""Stands in for a reverse proxy before ``ui``: for each request a connection to any of its containers that answers.

As proxies do, it tries another one where a connection is refused, or breaks before an answer to a GET has begun.
"""

import asyncio
import re
import socket

ATTEMPTS = 100
PAUSE = 0.05
CONNECTING = 3.0
"""Seconds to connect in, as Caddy's: who has just gone does not even refuse."""


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one request and the whole answer."""
    request = await reader.readuntil(b"\r\n\r\n")
    if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", request):
        request += await reader.readexactly(int(length[1]))
    for attempt in range(ATTEMPTS):
        found = await asyncio.get_running_loop().getaddrinfo("ui", 9292, family=socket.AF_INET, type=socket.SOCK_STREAM)
        sent = False
        try:
            connecting = asyncio.open_connection(*found[attempt % len(found)][4])
            from_ui, to_ui = await asyncio.wait_for(connecting, CONNECTING)
            sent = True
            to_ui.write(request)
            await to_ui.drain()
            part = await from_ui.read(65536)
            while part:
                writer.write(part)
                await writer.drain()
                part, sent = await from_ui.read(65536), False
            if not sent:
                break
        except OSError:
            pass
        if sent and not request.startswith(b"GET "):
            break
        await asyncio.sleep(PAUSE)
    writer.close()


async def main() -> None:
    """Serve until somebody ends it."""
    async with await asyncio.start_server(hand_on, "0.0.0.0", 9292) as server:  # noqa: S104 - alone in its container
        await server.serve_forever()


asyncio.run(main())
