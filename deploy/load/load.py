"""People who read and vote, each time on a new connection, until SIGTERM or Ctrl-C; then tells what came of it.

``load.py HOST PORT POST READERS VOTERS``, where POST is the path of the post that is read and voted on, as guests. Runs
in a container, by Python alone. The name is looked up for each request, as a browser does for a new connection, so each
is led to a container that bears it just then.
"""

import collections
import http.client
import itertools
import json
import signal
import sys
import threading

HOST, PORT, POST, READERS, VOTERS = sys.argv[1:]
PAUSE = 0.05
"""Seconds between an answer and the same person's next request."""
PATIENCE = 20.0
"""Seconds that they wait for an answer."""
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}

Request = tuple[str, str, str, dict[str, str], int]
"""Method, path, body, headers and the status to expect."""
READS: list[Request] = [("GET", path, "", {}, 200) for path in ("/", POST, "/communities", "/search?q=wren")]
VOTES: list[Request] = [
    ("POST", f"{POST}/vote/{vote}", "name=guest&email=guest@example.org", FORM, 303) for vote in (1, -1)
]

ended = threading.Event()
outcomes: collections.Counter[str] = collections.Counter()


def ask(method: str, path: str, body: str, headers: dict[str, str], expected: int) -> str:
    """How a request ended: "well", or what was wrong."""
    connection = http.client.HTTPConnection(HOST, int(PORT), timeout=PATIENCE)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{method} {path}: {error!r}"
    finally:
        connection.close()
    return "well" if answer.status == expected else f"{method} {path}: {answer.status}"


def live(requests: list[Request]) -> None:
    """Go on until the end."""
    for request in itertools.cycle(requests):
        if ended.wait(PAUSE):
            return
        outcomes[ask(*request)] += 1


def end(_number: int, _frame: object) -> None:
    """Let everybody finish what they are at."""
    ended.set()


for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, end)
people = [
    threading.Thread(target=live, args=(requests,)) for requests in [READS] * int(READERS) + [VOTES] * int(VOTERS)
]
for person in people:
    person.start()
for person in people:
    person.join()
print(json.dumps(outcomes))  # noqa: T201 - whoever runs this reads it
