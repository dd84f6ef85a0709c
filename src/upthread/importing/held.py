"""Comments that have to wait for the comment they answer, in a temporary file once they are many."""

import tempfile
from collections.abc import Iterator
from itertools import islice

import msgspec

from upthread.importing.dump import BATCH, Placed
from upthread.importing.reddit import Reply

IN_MEMORY = 32 << 20
"""Bytes that are kept in memory before a file is made: dumps in order of time hold back next to nothing."""

_decoder = msgspec.json.Decoder(Placed[Reply])


class Held:
    """A queue of comments of any length, to be filled, read (more than once) and closed."""

    def __init__(self) -> None:
        self.count = 0
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by close()

    def add(self, comment: Placed[Reply]) -> None:
        """Put one at the end."""
        self._file.write(msgspec.json.encode(comment) + b"\n")
        self.count += 1

    def batches(self) -> Iterator[list[Placed[Reply]]]:
        """All of them, from the first on."""
        self._file.seek(0)
        while lines := list(islice(self._file, BATCH)):
            yield [_decoder.decode(line) for line in lines]

    def close(self) -> None:
        """Forget them and remove the file."""
        self._file.close()
