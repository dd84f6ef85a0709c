"""What is asked of the texts that people write, and what is made of them before they are kept. Pure."""

import re
from collections.abc import Collection

from upthread import links, markdown
from upthread.account.model import Actor
from upthread.errors import Invalid
from upthread.post.model import (
    COMMUNITY_TITLE_LIMIT,
    FLAIR_LIMIT,
    TEXT_LIMIT,
    TITLE_LIMIT,
    ImportedPost,
)
from upthread.post.store import CommunityTexts, NewPost, Writing

MENTIONS_LIMIT = 10
"""People told of one text, so that nobody can call the whole site together."""

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but tab and line feed, and halves of characters: nothing anyone means to type."""
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction of what stands after them, on the rest of the page too."""


def community_texts(title: str, description: str, rules: str) -> CommunityTexts:
    """What a community says about itself, checked and rendered.

    Raises:
        Invalid: fields title, description or rules; too long.
    """
    title = _one_line(title)
    if len(title) > COMMUNITY_TITLE_LIMIT:
        raise Invalid("A title has at most {limit} characters.", field="title", limit=COMMUNITY_TITLE_LIMIT)
    description = _limited(_lines(description), "description")
    rules = _limited(_lines(rules), "rules")
    return CommunityTexts(
        title=title,
        description=description,
        description_html=markdown.render(description),
        rules=rules,
        rules_html=markdown.render(rules),
    )


def writing(actor: Actor, title: str, text: str, told: Collection[str] = ()) -> Writing:
    """What a post by this person says, checked and rendered.

    Args:
        actor: Who writes it; nobody is told of a mention of themselves.
        title: As typed.
        text: As typed, Markdown.
        told: Names, in lower case, that earlier versions mentioned.

    Raises:
        Invalid: fields title or text.
    """
    title = _one_line(title)
    if not any(character.isprintable() and not character.isspace() for character in title):
        raise Invalid("A post needs a title.", field="title")
    if len(title) > TITLE_LIMIT:
        raise Invalid("A title has at most {limit} characters.", field="title", limit=TITLE_LIMIT)
    text = _limited(_lines(text), "text")
    to_tell = [name for name in markdown.mentions(text) if name.lower() not in {*told, actor.name.lower()}]
    return _written(title, text, mentions=tuple(to_tell[:MENTIONS_LIMIT]))


def checked_flair(flair: str) -> str:
    """A flair on one line.

    Raises:
        Invalid: field flair; too long.
    """
    flair = _one_line(flair)
    if len(flair) > FLAIR_LIMIT:
        raise Invalid("A flair has at most {limit} characters.", field="flair", limit=FLAIR_LIMIT)
    return flair


def imported_posts(posts: list[ImportedPost]) -> dict[str, NewPost]:
    """Posts from elsewhere by key, rendered; of several with one key the first."""
    fresh: dict[str, NewPost] = {}
    for post in posts:
        if post.key not in fresh:
            fresh[post.key] = NewPost(
                community=post.community,
                writing=_written(_one_line(post.title), _lines(post.text)),
                url=post.url if links.is_web(post.url) else "",
                author=post.author,
                created_at=post.created_at,
                edited_at=post.edited_at,
                ups=post.ups,
                downs=post.downs,
                flair=_one_line(post.flair),
                nsfw=post.nsfw,
                locked=post.locked,
                state=post.state,
            )
    return fresh


def _written(title: str, text: str, mentions: tuple[str, ...] = ()) -> Writing:
    if not text:
        return Writing(title=title, text="", html="", plain="")
    html = markdown.render(text)
    return Writing(title=title, text=text, html=html, plain=markdown.plain(html), mentions=mentions)


def _one_line(text: str) -> str:
    if not text.isprintable():
        text = _TURNING.sub("", _UNSEEN.sub("", text))
    return " ".join(text.split())


def _lines(text: str) -> str:
    """A text with line feeds as its only line ends, without empty lines around it."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n").rstrip()


def _limited(text: str, field: str) -> str:
    if len(text) > TEXT_LIMIT:
        raise Invalid("A text has at most {limit} characters.", field=field, limit=TEXT_LIMIT)
    return text
