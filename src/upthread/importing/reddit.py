"""What reddit's dumps say, checked and put into our terms. Pure: one line's fields in, one record out."""

import re
from typing import Annotated, Any

from msgspec import Meta, Struct

from upthread import links
from upthread.post.model import State

Count = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
"""A number that fits wherever it is kept; a larger one can't be a count of anything."""

LATEST_TIME = 253_402_300_799
"""The last second of the year 9999, beyond which dates can't be written."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
NOBODY = {"", "[deleted]", "[removed]"}
STATES: dict[str | None, State] = {"[deleted]": "deleted", "[removed]": "removed", "[deleted by user]": "deleted"}
"""What stands in place of a text that is no longer given out, and what it tells."""

_ENCODED = re.compile("&(?:amp|lt|gt);")
_NOT_ENCODED = re.compile("[<>]|&(?!(?:amp|lt|gt);)")
_NOT_IN_A_NAME = re.compile("[^A-Za-z0-9_]")
_COMMUNITY_IN_LINK = re.compile("/(?:r|user)/([^/]+)/")


class Unusable(ValueError):
    """A line's fields are there, but can't be made into a post or comment; the message says why."""


class Submission(Struct, frozen=True, kw_only=True, gc=False):
    """A post, as far as it can be told without asking any service. ``author`` is empty for nobody known."""

    key: str
    community: str
    title: str
    url: str
    text: str
    author: str
    created_at: int
    edited_at: int | None
    ups: int
    downs: int
    flair: str
    nsfw: bool
    locked: bool
    state: State
    comments: int
    """How many comments it had on reddit."""


class Reply(Struct, frozen=True, kw_only=True, gc=False):
    """A comment, as far as it can be told without asking any service. ``author`` is empty for nobody known."""

    key: str
    post_key: str
    parent_key: str | None
    author: str
    text: str
    created_at: int
    edited_at: int | None
    ups: int
    downs: int
    state: State


class SubmissionFields(Struct, gc=False):
    """The fields of a submission that we read, named and typed as in the dumps of all years."""

    id: str
    title: str
    score: Count
    created_utc: float | str
    subreddit: str | None = None
    permalink: str | None = None
    selftext: str | None = None
    url: str | None = None
    domain: str | None = None
    author: str | None = None
    ups: Count | None = None
    num_comments: Count | None = None
    over_18: bool | None = None
    is_self: bool | None = None
    link_flair_text: str | None = None
    locked: bool | None = None
    edited: bool | float | None = None
    removed_by_category: str | None = None


class CommentFields(Struct, gc=False):
    """The fields of a comment that we read, named and typed as in the dumps of all years."""

    id: str
    body: str
    link_id: str | int
    score: Count
    created_utc: float | str
    parent_id: str | int | None = None
    author: str | None = None
    ups: Count | None = None
    edited: bool | float | None = None


def submission(fields: SubmissionFields, community: str = "") -> Submission:
    """The post that these fields describe.

    Args:
        fields: what the line says.
        community: where it belongs if the line does not say.

    Raises:
        Unusable: a field makes no sense.
    """
    text = decoded(fields.selftext or "")
    title = " ".join(decoded(fields.title).split())
    if not title:
        raise Unusable("the title is empty")
    state: State = STATES.get(text) or STATES.get(title) or "live"
    if state == "live" and fields.removed_by_category:
        state = "deleted" if fields.removed_by_category == "deleted" else "removed"
    is_self = fields.is_self if fields.is_self is not None else (fields.domain or "").startswith("self.")
    link = "" if is_self else _link(fields.url)
    if link and not links.is_web(link):  # FTP, mostly; it is not lost, but nobody is led there by the title
        link, text = "", f"{link}\n\n{text}".strip()
    ups, downs = votes(fields.score, fields.ups)
    return Submission(
        key=f"t3_{_base36(fields.id)}",
        community=community_name(fields.subreddit or _community_of(fields.permalink) or community),
        title=title,
        url=link,
        text="" if state != "live" else text,
        author=_author(fields.author),
        created_at=moment(fields.created_utc),
        edited_at=_edited(fields.edited),
        ups=ups,
        downs=downs,
        flair=decoded(fields.link_flair_text or "").strip(),
        nsfw=bool(fields.over_18),
        locked=bool(fields.locked),
        state=state,
        comments=max(fields.num_comments or 0, 0),
    )


def reply(fields: CommentFields) -> Reply:
    """The comment that these fields describe.

    Raises:
        Unusable: a field makes no sense.
    """
    text = decoded(fields.body)
    state: State = STATES.get(text, "live")
    post = _base36(fields.link_id)
    ups, downs = votes(fields.score, fields.ups)
    return Reply(
        key=f"t1_{_base36(fields.id)}",
        post_key=f"t3_{post}",
        parent_key=_parent_key(fields.parent_id, post),
        author=_author(fields.author),
        text="" if state != "live" else text,
        created_at=moment(fields.created_utc),
        edited_at=_edited(fields.edited),
        ups=ups,
        downs=downs,
        state=state,
    )


def decoded(text: str) -> str:
    """Text as it was typed. Dumps write ``&``, ``<`` and ``>`` as ``&amp;``, ``&lt;`` and ``&gt;``, or leave them.

    A text with one of the three standing bare was left, and what looks like an entity in it was typed as such.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    if "&" not in text or _NOT_ENCODED.search(text):
        return text
    return _ENCODED.sub(_character, text)


def _character(entity: re.Match[str]) -> str:
    return {"&amp;": "&", "&lt;": "<", "&gt;": ">"}[entity[0]]


def votes(score: int, ups: int | None) -> tuple[int, int]:
    """Ups and downs whose difference is the score, with the ups of the file where they leave room for that.

    reddit shows no score below zero for a post, so the numbers of a file need not agree; the score is what people saw.
    """
    up = max(ups or 0, score, 0)
    return up, up - score


def moment(time: float | str) -> int:
    """Whole Unix seconds.

    Raises:
        Unusable: it is no number, or no time that can be written as a date.
    """
    try:
        seconds = float(time)
    except ValueError:
        raise Unusable(f"created_utc is no number: {time!r}") from None
    if not 0 <= seconds <= LATEST_TIME:  # false for "not a number" as well
        raise Unusable(f"created_utc is no time: {time!r}")
    return int(seconds)


def community_name(name: str) -> str:
    """The name a community gets here: reddit allows ``.`` and ``-`` in a few old or personal ones, we don't.

    Raises:
        Unusable: there is none.
    """
    cleaned = _NOT_IN_A_NAME.sub("_", name)[:30]
    if len(cleaned) < 2:  # noqa: PLR2004 - the shortest that COMMUNITY_PATTERN takes
        raise Unusable("it does not say in which community it was")
    return cleaned


def _community_of(permalink: str | None) -> str:
    found = _COMMUNITY_IN_LINK.search(permalink or "")
    return found[1] if found else ""


def _base36(thing: str | int) -> str:
    """A thing's id without the prefix of its kind; some years' dumps have it as a plain number."""
    if isinstance(thing, str):
        found = thing.rpartition("_")[2]
        if not found.isalnum():
            raise Unusable(f"{thing!r} is no id")
        return found
    if thing < 0:
        raise Unusable(f"{thing} is no id")
    digits = ""
    while thing:
        thing, digit = divmod(thing, 36)
        digits = DIGITS[digit] + digits
    return digits


def _parent_key(parent: str | int | None, post: str) -> str | None:
    if not parent or str(parent).startswith("t3_"):
        return None
    comment = _base36(parent)
    # Without a prefix, the post itself stands for "at the top of the thread".
    return None if comment == post and parent != f"t1_{comment}" else f"t1_{comment}"


def _link(url: str | None) -> str:
    # Browsers take spaces for %20 as well, and dumps do have them; invisible characters are never meant.
    link = decoded(url or "").strip().replace(" ", "%20")
    if not link.isprintable():
        link = "".join(filter(str.isprintable, link))
    return f"https://www.reddit.com{link}" if link.startswith("/") else link


def _author(name: str | None) -> str:
    return "" if name is None or name in NOBODY else name


def _edited(edited: Any) -> int | None:
    """When it was edited; old dumps say only that it was."""
    return None if edited is None or isinstance(edited, bool) else moment(edited)
