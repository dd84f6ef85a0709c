"""Tells whether what runs in this container answers, by exit status 0.

``healthcheck.py PORT_VARIABLE DEFAULT_PORT [PATH]``, where the path is /livez unless given. It imports next to nothing,
as it runs every few seconds and an HTTP client takes longer to load than to ask.
"""

import os
import socket
import sys

variable, default, *path = sys.argv[1:]
port = int(os.environ.get(variable) or default)
with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
    connection.sendall(f"GET {path[0] if path else '/livez'} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    status = connection.makefile("rb").readline().split()
sys.exit(status[1:2] != [b"200"])
