"""Tells by exit status 0 that what runs in this container is well: ``healthcheck.py PORT_VARIABLE DEFAULT_PORT``.

At first it has to be ready: a new container takes no requests before it can answer them. Once it has been, it has to be
alive: nothing gets better by restarting it because another container is down.

It imports next to nothing, as it runs every few seconds and an HTTP client takes longer to load than to ask.
"""

import contextlib
import os
import socket
import sys

READY = "/dev/shm/has-been-ready"  # noqa: S108 - every container has one of its own, which ends with it

variable, default = sys.argv[1:]
path = "/livez" if os.path.exists(READY) else "/readyz"  # noqa: PTH110 - pathlib takes long to load
with socket.create_connection(("127.0.0.1", int(os.environ.get(variable) or default)), timeout=3) as connection:
    connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    status = connection.makefile("rb").readline().split()
if status[1:2] != [b"200"]:
    sys.exit(1)
with contextlib.suppress(OSError):  # where there is none, it has to be ready each time
    open(READY, "a").close()  # noqa: PTH123 - as above
