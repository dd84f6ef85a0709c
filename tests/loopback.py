"""An application on a real socket, in the event loop of the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from upthread.runtime.serving import _serve_until, address, listen


@asynccontextmanager
async def on_loopback(app: ASGIApp) -> AsyncIterator[str]:
    """Serve it as any process of ours does, until the end of the block; where it is."""
    listener = listen("127.0.0.1", 0)[0]
    url = address("127.0.0.1", listener)
    asked = asyncio.Event()
    serving = asyncio.create_task(_serve_until(asked, app, listener, lambda: None))
    try:
        yield url
    finally:
        asked.set()
        await serving
