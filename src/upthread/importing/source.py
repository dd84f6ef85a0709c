"""Input files as lines of bytes, unpacked while they are read; how they are packed is told by their first bytes."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self, cast

import zstandard

GZIP = b"\x1f\x8b"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
WINDOW = 2**31
"""Bytes that unpacking may have to look back: reddit's dumps are packed with ``zstd --long=31``."""
BUFFER = 1 << 18
FIRST_LINE_LIMIT = 1 << 20
"""Bytes after which a first line is cut off: no format of ours has such lines, and a disk image may be one line."""


class Damaged(Exception):
    """The packed data break off or make no sense from here on."""


class Source:
    """An open input file. ``position`` tells how far the packed file has been read, for progress."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            OSError: it can't be read.
        """
        self._packed: io.BufferedReader = io.BufferedReader(io.FileIO(path), BUFFER)
        try:
            self._plain = _unpacked(self._packed)
        except BaseException:
            self._packed.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._plain.close()
        self._packed.close()

    @property
    def position(self) -> int:
        """Bytes of the file on disk that have been read so far."""
        return self._packed.tell()

    def lines(self) -> Iterator[bytes]:
        """The lines from the beginning on, each with its line end, without a byte order mark; to be asked for once.

        Raises:
            Damaged: the packed data end too early or are broken; every line before that has been given.
        """
        try:
            yield self._plain.readline(FIRST_LINE_LIMIT).removeprefix(BYTE_ORDER_MARK)
            yield from self._plain
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            raise Damaged(str(error)) from error


def _unpacked(packed: io.BufferedReader) -> io.BufferedIOBase:
    beginning = packed.peek(len(ZSTANDARD))
    if beginning.startswith(GZIP):
        return gzip.GzipFile(fileobj=packed)
    if beginning.startswith(ZSTANDARD):
        unpacking = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        reader = unpacking.stream_reader(packed, read_across_frames=True, closefd=False)
        return io.BufferedReader(cast("io.RawIOBase", reader), BUFFER)
    return packed
