"""Dumps as files: every format and packing, and lines that are broken."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
import zstandard

from upthread.importing.dump import BATCH, BadLine, Unrecognised, joined, recognised
from upthread.importing.reddit import Submission

COLUMNS = [
    "created_utc",
    "score",
    "id",
    "title",
    "ups",
    "downs",
    "num_comments",
    "permalink",
    "selftext",
    "is_self",
    "url",
]


def row(number: int, text: str = "", title: str = "") -> list[str]:
    """A row of a CSV file; posts with a text are text posts."""
    key = f"p{number}"
    return [
        f"{1_370_000_000 + number}.0", "3", key, title or f"Title {number}", "5", "2", "7",
        f"http://www.reddit.com/r/Python/comments/{key}/x/", text, str(bool(text)), "http://example.org/",
    ]  # fmt: skip


def table(*rows: list[str]) -> bytes:
    """A CSV file with these rows below the header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue().encode()


def ndjson(*things: dict[str, object]) -> bytes:
    """A file with one JSON object a line."""
    return b"".join(json.dumps(thing).encode() + b"\n" for thing in things)


def submission(number: int) -> dict[str, object]:
    """A submission as in an NDJSON dump."""
    return {"id": f"p{number}", "title": f"Title {number}", "score": 3, "created_utc": number, "subreddit": "Python"}


def read(path: Path) -> tuple[list[Submission], list[str]]:
    """The posts of a file, and its bad lines as a person sees them, without the folder."""
    posts, bad = [], []
    for batch in recognised(path).posts():
        posts += [placed.record for placed in batch.records]
        bad += [str(line).removeprefix(f"{path.parent}/") for line in batch.bad]
    return posts, bad


def zst(data: bytes) -> bytes:
    """Packed as reddit's dumps are, with a long window and in more than one frame."""
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=31, enable_ldm=True)
    half = len(data) // 2
    frames = io.BytesIO()
    for part in (data[:half], data[half:]):
        with zstandard.ZstdCompressor(compression_params=parameters).stream_writer(frames, closefd=False) as writer:
            writer.write(part)
    return frames.getvalue()


def plain(data: bytes) -> bytes:
    """Not packed."""
    return data


def marked(data: bytes) -> bytes:
    """With a byte order mark, as some editors leave it."""
    return b"\xef\xbb\xbf" + data


@pytest.mark.parametrize("pack", [plain, marked, gzip.compress, zst])
def test_formats_are_told_by_content(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """A file is read for what it is, whatever its name says."""
    path = tmp_path / "file.jpg"
    path.write_bytes(pack(table(row(1), row(2))))
    posts, bad = read(path)
    assert [post.key for post in posts] == ["t3_p1", "t3_p2"]
    path.write_bytes(pack(ndjson(submission(1), submission(2), submission(3))))
    posts, more_bad = read(path)
    assert [post.title for post in posts] == ["Title 1", "Title 2", "Title 3"]
    assert bad + more_bad == []


def test_comments_are_told_from_posts(tmp_path: Path) -> None:
    """A file of comments is recognised even where its first lines are broken."""
    path = tmp_path / "RC"
    comment = {"id": "c1", "body": "Yes", "link_id": "t3_p1", "score": 1, "created_utc": 1}
    path.write_bytes(b"{broken\n\n" + ndjson(comment))
    dump = recognised(path)
    assert dump.kind == "comments"
    batches = list(dump.comments())
    assert [placed.record.key for batch in batches for placed in batch.records] == ["t1_c1"]
    assert [bad.line for batch in batches for bad in batch.bad] == [1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"name,age\nAda,36\n", "neither"),
        (bytes(3_000_000), "neither"),
        (b"\xff\xfe\x00\n", "neither"),
        (b'{"name": "Ada"}\n', "holds neither"),
        (b'[{"id": 1}]', "neither"),
        (gzip.compress(b"x" * 1000, mtime=0)[:20], "unpacked"),  # without the time, which would be in the test's name
        (b"\x28\xb5\x2f\xfd" + b"x" * 100, "unpacked"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """A file that is no dump is refused with the reason."""
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(Unrecognised, match=reason):
        recognised(path)


def test_bad_rows_are_named_by_their_true_line(tmp_path: Path) -> None:
    """A bad row is named by the line it begins on, however many lines the texts before it have."""
    path = tmp_path / "Python.csv"
    lines = table(row(1, text='one\n"two"\n\nthree'), row(2)).decode()
    path.write_text(
        f"{lines}1370000003.0,3,p3,too,short\n\n" + "1370000004.0,many,p4,Title 4,5,2,7,,,False,http://x.org\n"
    )
    posts, bad = read(path)
    assert [post.key for post in posts] == ["t3_p1", "t3_p2"]
    assert bad == [
        "Python.csv:7: 5 columns where the header has 11",
        "Python.csv:9: Expected `int`, got `str` - at `$.score`",
    ]


def test_a_quote_never_closed_takes_only_its_row(tmp_path: Path) -> None:
    """A row whose quote is never closed is skipped alone; the rows behind it are read."""
    path = tmp_path / "Python.csv"
    broken = b'1370000002.0,3,p2,"Title 2,5,2,7,,,False,http://example.org/\n'
    whole = table(row(1), row(3, text="a\nb"), row(4), row(5)).splitlines(keepends=True)
    path.write_bytes(b"".join([*whole[:2], broken, *whole[2:]]))
    posts, bad = read(path)
    assert [post.key for post in posts] == ["t3_p1", "t3_p3", "t3_p4", "t3_p5"]
    assert [line.split(":")[1] for line in bad] == ["3"]


def test_a_row_that_is_not_utf8(tmp_path: Path) -> None:
    """A row or line that is not UTF-8 is skipped and named, and nothing else is."""
    path = tmp_path / "Python.csv"
    path.write_bytes(table(row(1), row(2, title="caf@"), row(3)).replace(b"@", b"\xe9"))
    posts, bad = read(path)
    assert [post.key for post in posts] == ["t3_p1", "t3_p3"]
    assert bad == ["Python.csv:3: it is not UTF-8"]
    path.write_bytes(ndjson(submission(1), submission(2)).replace(b"Title 2", b"\xff"))
    assert read(path)[1] == ["Python.csv:2: it is not UTF-8"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": "x", "title": "cut o',
        b'{"id": "x", "title": "no time", "score": 1}',
        b'{"id": "x", "title": "huge", "score": 1e30, "created_utc": 1, "subreddit": "Python"}',
        b'{"id": "../x", "title": "odd id", "score": 1, "created_utc": 1, "subreddit": "Python"}',
        b'{"id": "x", "title": "\\ud800", "score": 1, "created_utc": 1, "subreddit": "Python"}',
        b"[" * 100_000,
        b"null",
        b"\0",
    ],
)
def test_bad_lines_take_only_themselves(tmp_path: Path, line: bytes) -> None:
    """A broken line is skipped and named with its number."""
    path = tmp_path / "RS.ndjson"
    path.write_bytes(ndjson(submission(1)) + line + b"\n" + ndjson(submission(2)))
    posts, bad = read(path)
    assert len(posts) == 2
    assert [named.split(" ")[0] for named in bad] == ["RS.ndjson:2:"]


def test_a_packed_file_cut_off(tmp_path: Path) -> None:
    """Of a packed file that breaks off, everything before is read, and where it broke off is named."""
    path = tmp_path / "RS.gz"
    packed = gzip.compress(ndjson(*(submission(number) for number in range(3_000))))
    path.write_bytes(packed[: len(packed) // 2])
    posts, bad = read(path)
    assert len(posts) > BATCH
    assert bad == [f"RS.gz:{len(posts) + 1}: " + bad[0].partition(": ")[2]]
    assert "damaged" in bad[0]


def test_progress_adds_up(tmp_path: Path) -> None:
    """The bytes of all batches add up to the size of the packed file."""
    path = tmp_path / "RS.zst"
    path.write_bytes(zst(ndjson(*(submission(number) for number in range(2_500)))))
    dump = recognised(path)
    batches = list(dump.posts())
    assert len(batches) == 3
    assert sum(batch.consumed for batch in batches) == dump.size == path.stat().st_size
    assert batches[-1].place == f"{path}:2500"


def test_small_files_come_together(tmp_path: Path) -> None:
    """Files of a few posts are imported several at a time, in order, with their bad lines and bytes, up to a batch."""
    dumps = []
    for number in range(30):
        path = tmp_path / f"RS{number:02}"
        path.write_bytes(ndjson(*(submission(100 * number + post) for post in range(99))) + b"broken\n")
        dumps.append(recognised(path))
    batches = list(joined(chain.from_iterable(dump.posts() for dump in dumps)))
    assert [(len(batch.records), len(batch.bad)) for batch in batches] == [(990, 10)] * 3
    assert [batch.place for batch in batches] == [f"{tmp_path}/RS{number}:100" for number in ("09", "19", "29")]
    assert sum(batch.consumed for batch in batches) == sum(dump.size for dump in dumps)
    keys = [placed.record.key for batch in batches for placed in batch.records]
    assert keys == [f"t3_p{100 * number + post}" for number in range(30) for post in range(99)]


def test_bad_lines_read_like_a_compiler_s() -> None:
    """A bad line is shown as file, line and reason."""
    assert str(BadLine("a/RS", 7, "it is not UTF-8")) == "a/RS:7: it is not UTF-8"
