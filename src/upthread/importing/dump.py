"""Reddit's dumps as files: CSV or NDJSON is told by the content, and read line by line into records."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from upthread.importing.reddit import CommentFields, Reply, Submission, SubmissionFields, reply, submission
from upthread.importing.source import Damaged, Source

R = TypeVar("R", Submission, Reply)
Kind = Literal["posts", "comments"]

BATCH = 1_000
"""Records that travel together: enough to share the price of a call and a commit, little enough to stop in between."""
LINES_LOOKED_AT = 100
"""Lines at the beginning of an NDJSON file among which at least one must tell what it holds."""
NEEDED_COLUMNS = {"id", "title", "score", "created_utc"}
ROW_BEGINNING = re.compile(rb"\d{9,}(?:\.\d+)?,")
"""How a row of our CSV files begins, with ``created_utc``: where to go on after a quote that was never closed."""
NOT_UTF8 = "it is not UTF-8"

_submission_fields = msgspec.json.Decoder(SubmissionFields)
_comment_fields = msgspec.json.Decoder(CommentFields)
_UNREADABLE = (csv.Error, msgspec.DecodeError, ValueError, RecursionError)


class Unrecognised(Exception):
    """The file is in none of the formats that we read."""


class BadLine(Struct, frozen=True):
    """A line that is left out, and why."""

    path: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


class Placed(Struct, Generic[R], frozen=True):
    """A record and the line on which it begins, so that it can be named should something be wrong with it later."""

    path: str
    line: int
    record: R

    def bad(self, reason: str) -> BadLine:
        """This line as one that is left out."""
        return BadLine(self.path, self.line, reason)


class Batch(Struct, Generic[R], frozen=True):
    """What was read in one go, and how much of the file on disk that took."""

    records: list[Placed[R]]
    bad: list[BadLine]
    consumed: int
    place: str
    """How far reading has come, for people: file and line."""

    @property
    def lines(self) -> int:
        """How many were read, good or bad."""
        return len(self.records) + len(self.bad)


class _Probe(Struct):
    title: str | None = None
    body: str | None = None


class Dump(Struct, frozen=True):
    """A file that has been recognised: whether it holds posts or comments, and in which format."""

    path: Path
    size: int
    kind: Kind
    format: Literal["csv", "ndjson"]

    def posts(self) -> Iterator[Batch[Submission]]:
        """The posts of this file; only where that is its kind."""
        if self.format == "csv":
            community = self.path.name.partition(".")[0]
            return self._batches(lambda lines: _csv_records(lines, str(self.path), community))
        return self._batches(
            lambda lines: _json_records(lines, str(self.path), lambda line: submission(_submission_fields.decode(line)))
        )

    def comments(self) -> Iterator[Batch[Reply]]:
        """The comments of this file; only where that is its kind."""
        return self._batches(
            lambda lines: _json_records(lines, str(self.path), lambda line: reply(_comment_fields.decode(line)))
        )

    def _batches(self, read: Callable[["_Lines"], Iterator[Placed[R] | BadLine]]) -> Iterator[Batch[R]]:
        with Source(self.path) as source:
            lines = _Lines(source.lines())
            records = read(lines)
            consumed = 0
            damaged = False
            while not damaged:
                batch: Batch[R] = Batch([], [], 0, "")
                try:
                    for found in islice(records, BATCH):
                        if isinstance(found, BadLine):
                            batch.bad.append(found)
                        else:
                            batch.records.append(found)
                except Damaged as error:
                    damaged = True
                    reason = f"the packed data are damaged from here on ({error})"
                    batch.bad.append(BadLine(str(self.path), lines.number + 1, reason))
                if not batch.records and not batch.bad:
                    return
                position = source.position
                yield msgspec.structs.replace(batch, consumed=position - consumed, place=f"{self.path}:{lines.number}")
                consumed = position


def joined(batches: Iterator[Batch[R]]) -> Iterator[Batch[R]]:
    """Batches that follow each other as one while they fit in one: many small files then cost what a large one does."""
    together: Batch[R] | None = None
    for batch in batches:
        if together is None:
            together = batch
        elif together.lines + batch.lines > BATCH:
            yield together
            together = batch
        else:
            together = Batch(
                together.records + batch.records,
                together.bad + batch.bad,
                together.consumed + batch.consumed,
                batch.place,
            )
    if together is not None:
        yield together


def recognised(path: Path) -> Dump:
    """What the file holds, told by its beginning.

    Raises:
        OSError: it can't be read.
        Unrecognised: it is in no format that we read.
    """
    with Source(path) as source:
        lines = source.lines()
        try:
            first = next(lines)
            if first.lstrip().startswith(b"{"):
                kind = _kind_of_json([first, *islice(lines, LINES_LOOKED_AT - 1)])
                return Dump(path, path.stat().st_size, kind, "ndjson")
            if _is_header(first):
                return Dump(path, path.stat().st_size, "posts", "csv")
        except Damaged as error:
            raise Unrecognised(f"it can't be unpacked ({error})") from None
    if not first:
        raise Unrecognised("it is empty")
    raise Unrecognised("it is neither a reddit dump in NDJSON nor a CSV file with reddit's columns")


def _kind_of_json(lines: list[bytes]) -> Kind:
    for line in lines:
        try:
            probe = msgspec.json.decode(line, type=_Probe)
        except _UNREADABLE:
            continue
        if probe.body is not None:
            return "comments"
        if probe.title is not None:
            return "posts"
    raise Unrecognised("it is JSON, but holds neither submissions (with a title) nor comments (with a body)")


def _is_header(line: bytes) -> bool:
    try:
        return set(_columns(line)) >= NEEDED_COLUMNS
    except _UNREADABLE:
        return False


def _columns(line: bytes) -> list[str]:
    return next(csv.reader([line.decode()]))


class _Lines:
    """Lines with their numbers, decoded one at a time for the CSV reader, and able to go back to one given before."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.number = 0
        self.row: list[bytes] = []
        """The lines given since the beginning of this row."""
        self.row_is_text = True
        self._lines = lines
        self._again: deque[bytes] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.undecoded()
        self.row.append(line)
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.row_is_text = False
            return line.decode(errors="replace")

    def undecoded(self) -> bytes:
        """The next line as it is.

        Raises:
            StopIteration: there is none.
            Damaged: the file breaks off.
        """
        line = self._again.popleft() if self._again else next(self._lines)
        self.number += 1
        return line

    def begin_row(self) -> int:
        """The number of the line on which the next row begins."""
        self.row.clear()
        self.row_is_text = True
        return self.number + 1

    def go_back(self) -> None:
        """After a broken row: go on at the first of its lines, but its own first, on which another row begins."""
        for index, line in enumerate(self.row[1:], 1):
            if ROW_BEGINNING.match(line):
                self.number -= len(self.row) - index
                self._again.extendleft(reversed(self.row[index:]))
                return


def _csv_records(lines: _Lines, path: str, community: str) -> Iterator[Placed[Submission] | BadLine]:
    columns = _columns(lines.undecoded())
    read = [(index, column) for index, column in enumerate(columns) if column in SubmissionFields.__struct_fields__]
    reader = csv.reader(lines, strict=True)
    while True:
        start = lines.begin_row()
        try:
            row = next(reader)
            if not row:
                continue
            if len(row) != len(columns):
                raise ValueError(f"{len(row)} columns where the header has {len(columns)}")
            if not lines.row_is_text:
                raise ValueError(NOT_UTF8)
            fields = {column: row[index] for index, column in read if row[index]}
            yield Placed(path, start, submission(msgspec.convert(fields, SubmissionFields, strict=False), community))
        except StopIteration:
            return
        except _UNREADABLE as error:
            lines.go_back()
            yield BadLine(path, start, _reason(error))


def _json_records(lines: _Lines, path: str, read: Callable[[bytes], R]) -> Iterator[Placed[R] | BadLine]:
    while True:
        try:
            line = lines.undecoded()
        except StopIteration:
            return
        if line.isspace():
            continue
        try:
            yield Placed(path, lines.number, read(line))
        except _UNREADABLE as error:
            yield BadLine(path, lines.number, _reason(error))


def _reason(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return NOT_UTF8
        case RecursionError():
            return "it is nested too deeply"
        case _:
            return str(error)
