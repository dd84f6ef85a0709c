"""The file of a backup: JSON, a record a line, compressed by zstd, with a checksum of all lines at the end.

It can be looked into with ``zstd -dc FILE | head``. The first line says what it is, then each room begins with a line
of its own, and the last line has the number of lines before it and their SHA-256.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import zstandard
from msgspec import Struct

from upthread import __version__
from upthread.account.records import AccountRoomRecord
from upthread.comment.records import CommentRoomRecord
from upthread.databases import Room
from upthread.errors import StartError
from upthread.post.records import PostRoomRecord

FORMAT = 1
"""Counted up with each change after which an older version could not restore a file any more."""

Record = PostRoomRecord | CommentRoomRecord | AccountRoomRecord


class Header(Struct, frozen=True, tag="Upthread backup"):
    """The first line."""

    format: int
    version: str
    """Of the Upthread that made it."""
    made_at: int
    """Unix seconds."""
    at_once: bool
    """Whether all rooms were read as of the very same moment."""


class RoomBegins(Struct, frozen=True, tag=True):
    """What follows is this room's."""

    room: Room


class End(Struct, frozen=True, tag=True):
    """The last line."""

    lines: int
    sha256: str


class BackupWriter:
    """Writes a backup; the file has its name only once it is complete and on disk. Readable by its owner only."""

    def __init__(self, path: Path, made_at: int, *, at_once: bool) -> None:
        self._path = path
        self._draft = path.with_name(f"{path.name}.unfinished")
        self._header = Header(FORMAT, __version__, made_at, at_once)
        self._encoder = msgspec.json.Encoder()
        self._digest = hashlib.sha256()
        self._lines = 0

    def __enter__(self) -> Self:
        try:
            descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise _unusable(self._draft, error) from None
        self._file = os.fdopen(descriptor, "wb")
        self._out = zstandard.ZstdCompressor(write_checksum=True).stream_writer(self._file, closefd=False)
        self.write(self._header)
        return self

    def write(self, record: Record | Header | RoomBegins) -> None:
        """Add a line."""
        line = self._encoder.encode(record) + b"\n"
        self._digest.update(line)
        self._lines += 1
        self._out.write(line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._out.write(self._encoder.encode(End(self._lines, self._digest.hexdigest())) + b"\n")
                self._out.close()  # type: ignore[no-untyped-call]
                self._file.flush()
                os.fsync(self._file.fileno())
                self._draft.replace(self._path)
        except OSError as failure:
            raise _unusable(self._path, failure) from None
        finally:
            self._file.close()
            self._draft.unlink(missing_ok=True)


class BackupReader:
    """Reads a backup that is complete and undamaged, in as little memory as a line takes.

    Raises:
        StartError: the file can't be read, is no backup, is damaged or cut off, or was made by a newer Upthread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.header = self._checked()

    def records(self) -> Iterator[tuple[Room, Record]]:
        """All records in order, each with its room."""
        decoder = msgspec.json.Decoder(Record | RoomBegins)
        room: Room = "post"
        lines = self._lines()
        next(lines)
        line = next(lines)
        for following in lines:
            match decoder.decode(line):
                case RoomBegins(begins):
                    room = begins
                case record:
                    yield room, record
            line = following

    def _checked(self) -> Header:
        lines = self._lines()
        first = next(lines, b"")
        if not first:
            raise self._damaged()
        try:
            header = msgspec.json.decode(first, type=Header)
        except msgspec.MsgspecError:
            raise StartError("{path} is not a backup of Upthread.", path=str(self._path)) from None
        if header.format > FORMAT:
            raise StartError(
                "{path} was made by a newer Upthread ({version}). Update Upthread.",
                path=str(self._path),
                version=header.version,
            )
        digest, count, last = hashlib.sha256(), 0, first
        for line in lines:
            digest.update(last)
            count += 1
            last = line
        try:
            end = msgspec.json.decode(last, type=End)
        except msgspec.MsgspecError:
            end = None
        if end != End(count, digest.hexdigest()):
            raise self._damaged()
        return header

    def _damaged(self) -> StartError:
        return StartError("{path} is damaged or not complete.", path=str(self._path))

    def _lines(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                unpacked = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=False)
                yield from io.BufferedReader(unpacked, 1 << 20)
        except OSError as error:
            raise _unusable(self._path, error) from None
        except zstandard.ZstdError:
            raise StartError("{path} is no backup of Upthread, or it is damaged.", path=str(self._path)) from None


def _unusable(path: Path, error: OSError) -> StartError:
    return StartError("{path} can't be used: {reason}.", path=str(path), reason=error.strerror or str(error))
