"""Made-up threads for posts whose comments are not in the dump, for demos and measurements.

Every choice follows from the post's key, and a comment from those before it only. So the same post gets the same thread
on every run, and a longer thread only goes on where a shorter one ended.
"""

from collections.abc import Iterator
from itertools import product
from random import Random

from upthread.importing.dump import BATCH, Batch, Placed
from upthread.importing.reddit import Reply, Submission

POOL = 20_000
"""Texts that are kept to choose from, whatever the size of the input."""
SHORTEST, LONGEST = 20, 900
"""Characters of a paragraph that makes a believable comment."""
FIRST_AFTER, SPAN = 90, 2 * 24 * 3600
"""Seconds after the post at which the first comment comes, and within which all of its real number come."""
MOST_VOTES = 3_000

FIRST_NAMES = (
    "amber", "brisk", "calm", "copper", "early", "fading", "gentle", "hidden", "idle", "late", "lucky", "mellow",
    "north", "paper", "plain", "quiet", "rapid", "rusty", "silver", "sleepy", "small", "spare", "still", "tidy"
)  # fmt: skip
LAST_NAMES = (
    "acorn", "badger", "canal", "cedar", "comet", "ferry", "finch", "harbor", "heron", "kettle", "lantern", "maple",
    "meadow", "otter", "pebble", "radish", "river", "sparrow", "teapot", "walnut"
)  # fmt: skip
NAMES = [f"{first}_{last}" for first, last in product(FIRST_NAMES, LAST_NAMES)]
"""Who wrote the made-up comments."""


class TextPool:
    """Paragraphs of posts' texts to make comments of, or titles if there are none: a fair sample of bounded size."""

    def __init__(self) -> None:
        self._random = Random(0)  # noqa: S311 - a sample, not a secret
        self._paragraphs = _Sample(self._random)
        self._titles = _Sample(self._random)

    def take_from(self, post: Submission) -> None:
        """Consider what this post says."""
        for paragraph in post.text.split("\n\n"):
            if SHORTEST <= len(paragraph) <= LONGEST:
                self._paragraphs.offer(post.key, paragraph.strip())
        self._titles.offer(post.key, post.title)

    def choose(self, random: Random, post_key: str) -> str:
        """A text of another post; of this one only if there is no other."""
        texts = self._paragraphs.texts or self._titles.texts
        at = int(random.random() * len(texts))
        key, text = texts[at]
        if key != post_key:
            return text
        return next((other for other_key, other in texts[at:] + texts[:at] if other_key != post_key), text)


class _Sample:
    """Each text offered is kept with the same chance (Vitter's algorithm R, 1985)."""

    def __init__(self, random: Random) -> None:
        self.texts: list[tuple[str, str]] = []
        self._random = random
        self._offered = 0

    def offer(self, key: str, text: str) -> None:
        self._offered += 1
        if len(self.texts) < POOL:
            self.texts.append((key, text))
        elif (at := int(self._random.random() * self._offered)) < POOL:
            self.texts[at] = (key, text)


def made_up_comments(batches: Iterator[Batch[Submission]], most: int, pool: TextPool) -> Iterator[Batch[Reply]]:
    """Threads for these posts, each as long as the real one was but of ``most`` comments at most."""
    for batch in batches:
        records: list[Placed[Reply]] = []
        told = 0
        for index, post in enumerate(batch.records):
            for reply in _thread(post.record, min(post.record.comments, most), pool):
                records.append(Placed(post.path, post.line, reply))
                if len(records) == BATCH:
                    # The threads of one batch of posts are many batches: each counts for its share of the bytes.
                    consumed = batch.consumed * index // len(batch.records)
                    yield Batch(records, [], consumed - told, batch.place)
                    records, told = [], consumed
        yield Batch(records, [], batch.consumed - told, batch.place)


def _thread(post: Submission, size: int, pool: TextPool) -> Iterator[Reply]:
    random = Random(post.key)  # noqa: S311 - the same for the same post is the point
    broad = random.random()
    chatty = random.random()
    for number in range(size):
        parent = _parent(random, number, broad, chatty)
        # Most of a thread comes early; a parent is always older than its replies.
        later = int(SPAN * (number / post.comments) ** 2)
        ups = min(int(random.paretovariate(1.1)), MOST_VOTES)
        yield Reply(
            key=_key(post, number),
            post_key=post.key,
            parent_key=None if parent is None else _key(post, parent),
            author=NAMES[int(random.random() * len(NAMES))],
            text=pool.choose(random, post.key),
            created_at=post.created_at + FIRST_AFTER + later,
            edited_at=None,
            ups=ups,
            downs=int(random.random() ** 4 * (ups + 2)),
            state="live",
        )


def _key(post: Submission, number: int) -> str:
    return f"made_{post.key}_{number}"


def _parent(random: Random, number: int, broad: float, chatty: float) -> int | None:
    """Which earlier comment this one answers: none in ``broad`` threads, the last one in ``chatty`` ones, else any.

    Earlier comments have had more time to be answered, so they are chosen more often.
    """
    top, last, any_other = random.random(), random.random(), random.random()
    if number == 0 or top < 0.15 + 0.7 * broad:
        return None
    if last < 0.8 * chatty:
        return number - 1
    return int(number * any_other**2)
