"""What stands on a page dozens or hundreds of times, as HTML: posts in lists, comments in threads.

The rest of a page is templates. These are f-strings, because a row costs 3 µs so, and 10 to 20 µs in a template: each
name that a template looks up in a Python object is a call from Rust into Python. Texts that are the same in all rows
are looked up once. What people wrote is escaped here, or was cleaned when it was written (``html``).

What was written last is remembered by all that it was made of, but for the age in it; so nothing of it can be out of
date, and thousands who look at the same posts and comments are shown them for a third of that again. All are read anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from typing import NamedTuple

from upthread.account.model import Author
from upthread.comment.model import Comment, CommentMark, ThreadNode, ThreadPage, ThreadQuery
from upthread.post.model import CommunityLink, Post, PostHit, PostMark, Vote
from upthread.ui.language import Language
from upthread.ui.templates import Pieces, icon

NO_POST_MARK = PostMark(post_id=0)
NO_COMMENT_MARK = CommentMark(comment_id=0)

VOTES: Mapping[Vote, tuple[str, str, str, str]] = {
    0: ("1", "false", "-1", "false"),
    1: ("0", "true", "-1", "false"),
    -1: ("1", "false", "0", "true"),
}
"""For one's own vote: what "up" would make of it and whether that is pressed, and the same for "down"."""


WHO = ' class="who"'
"""What marks the author of a comment."""
AGE = "\0"
"""Where the age goes into a row. It can't stand in what people write, as that is kept without control characters."""
REMEMBERED = 2_000
"""Posts and as many comments, in each language, that are remembered as HTML: some 4 kB each, with what made them."""
HIT_BEGINS, HIT_ENDS = "\ue000", "\ue001"
"""Around each hit in a snippet."""


class _Rows:
    """What posts and comments have in common."""

    def __init__(self, language: Language) -> None:
        text = language.text
        self._language = language
        self._guest = escape(text("guest"))
        self._gone = escape(text("[deleted]"))
        self._up = escape(text("Vote up"))
        self._down = escape(text("Vote down"))
        self._save = _switch("save", text("Save"), text("Unsave"))

    def _who(self, author: Author, name: str, css: str = "") -> str:
        """Who wrote it: a person with a page, a guest, or somebody who is gone."""
        if not author.id:
            return f"<span{css}>{self._gone}</span>"
        if author.id > 0:
            return f'<a{css} href="/u/{name}">{name}</a>'
        return f"<span{css}>{name} <i>{self._guest}</i></span>"


class PostRows(_Rows):
    """Writes posts in lists, in one language."""

    def __init__(self, language: Language) -> None:
        super().__init__(language)
        text = language.text
        self._hide = _switch("hide", text("Hide"), text("Unhide"))
        self._comments = escape(text("Comments"))
        nsfw, locked = escape(text("NSFW")), escape(text("Locked"))
        self._nsfw = f'<span class="tag nsfw">{nsfw}</span>'
        self._locked = f'<span class="tag">{icon("lock")} {locked}</span>'
        self._talk = icon("talk")
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._written)

    def row(
        self, post: Post, mark: PostMark, now: int, *, signed_in: bool, title_html: str = "", snippet_html: str = ""
    ) -> tuple[bytes, bytes, bytes]:
        """One post, in parts; for a search with what it found, in title or text."""
        before, after = self._remembered(post, mark, signed_in, title_html, snippet_html)
        return before, self._language.ago(post.created_at, now).encode(), after

    def _written(
        self,
        post: Post,
        mark: PostMark,
        signed_in: bool,  # noqa: FBT001 - a key
        title_html: str,
        snippet_html: str,
    ) -> tuple[bytes, bytes]:
        """What stands before and behind a post's age."""
        post_id, number = post.id, self._language.number
        votes = acts = domain = ""
        if post.state == "live":
            up, is_up, down, is_down = VOTES[mark.vote]
            button = f'form="act" formaction="/post/{post_id}/vote/'
            votes = (
                f'<button class="up" {button}{up}#p{post_id}" aria-pressed="{is_up}" aria-label="{self._up}">'
                f'</button>\n<button class="down" {button}{down}#p{post_id}" aria-pressed="{is_down}"'
                f' aria-label="{self._down}"></button>\n'
            )
        if signed_in:
            acts = (
                f'<span class="acts"><button formaction="/post/{post_id}/save#p{post_id}" {self._save[mark.saved]}'
                f'<button formaction="/post/{post_id}/hide" {self._hide[mark.hidden]}</span>\n'
            )
        if post.domain:
            name = _escaped_name(post.domain)
            domain = f' <a class="domain" href="/d/{name}">{name}</a>'
        community = _escaped_name(post.community)
        title = title_html or escape(post.title) or self._gone
        link = f'{escape(post.url)}" rel="nofollow ugc noopener' if post.url else f"/post/{post_id}"
        snippet = f'<p class="snippet">{snippet_html}</p>\n' if snippet_html else ""
        return _split(
            f'<li class="post{" off" if mark.hidden else ""}" id="p{post_id}">\n<div class="votes">\n{votes}'
            f'<data class="score" value="{post.score}" title="+{post.ups} &minus;{post.downs}">{number(post.score)}'
            f'</data>\n</div>\n<div class="what">\n<h2><a href="{link}">{title}</a>{domain}</h2>\n'
            f'<p class="meta">\n<a class="place" href="/c/{community}">{community}</a>\n'
            f"{self._who(post.author, _escaped_name(post.author.name))}\n{self._language.time(post.created_at, AGE)}\n"
            f"{self.marks(post)}{acts}</p>\n{snippet}</div>\n"
            f'<a class="talk" href="/post/{post_id}" title="{self._comments}">{self._talk}'
            f'<b>{number(post.comments)}</b><span class="unseen">{self._comments}</span></a>\n</li>\n'
        )

    def marks(self, post: Post) -> str:
        """What is said of a post beside its author: flair, not safe for work, locked."""
        flair = f'<span class="tag">{escape(post.flair)}</span>' if post.flair else ""
        return f"{flair}{self._nsfw if post.nsfw else ''}{self._locked if post.locked else ''}"


def places(communities: Iterable[CommunityLink], language: Language) -> Pieces:
    """Links to communities beside a list; a person may follow hundreds."""
    return Pieces([_place(community, language) for community in communities])


@lru_cache(maxsize=REMEMBERED)
def _place(community: CommunityLink, language: Language) -> bytes:
    name, subscribers = escape(community.name), escape(language.text("Subscribers"))
    size = language.number(community.subscribers)
    return f'<li><a href="/c/{name}">{name}</a> <span title="{subscribers}">{size}</span></li>\n'.encode()


class Part(NamedTuple):
    """What a visitor is to a comment, and what they may do with it."""

    signed_in: bool
    may_reply: bool
    moderates: bool
    mine: bool = False
    wrote_post: bool = False
    """Whether its author is that of the post."""
    in_focus: bool = False
    """Whether a permalink points to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the comments of one page have in common: the thread, and who reads it."""

    query: ThreadQuery
    post_author_id: int
    marks: Mapping[int, CommentMark]
    now: int
    person_id: int
    """Who is signed in; 0 for anyone else."""
    usual: Part
    """What the visitor is to most of the comments."""

    def part(self, comment: Comment) -> Part:
        """What the visitor is to this one."""
        author_id = comment.author.id
        if author_id not in (self.person_id, self.post_author_id) and comment.id != self.query.focus:
            return self.usual
        return self.usual._replace(
            mine=author_id == self.person_id != 0,
            wrote_post=author_id == self.post_author_id != 0,
            in_focus=comment.id == self.query.focus,
        )


class CommentRows(_Rows):
    """Writes comments in threads, in one language.

    Folding works without the script: what a comment says and its replies are the content of a ``<details>``, whose
    ``<summary>`` is the knot and the line at its side.
    """

    def __init__(self, language: Language) -> None:
        super().__init__(language)
        text = language.text
        self._fold = escape(text("Fold: {name}", name=""))
        self._reply = escape(text("Reply"))
        self._parent = escape(text("Parent"))
        self._edit = escape(text("Edit"))
        self._delete = escape(text("Delete"))
        self._edited = escape(text("edited"))
        wrote_post = escape(text("Wrote the post"))
        self._op = f'<abbr class="op" title="{wrote_post}">OP</abbr>'
        no_text = {
            "deleted": text("This comment was deleted by its author."),
            "removed": text("This comment was removed by a moderator."),
        }
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._written)
        self._no_text = {state: f'<p class="quiet">{escape(why)}</p>\n' for state, why in no_text.items()}

    def thread(self, thread: ThreadPage, reading: Reading) -> Pieces:
        """A part of a thread, each comment with all that is below it. Its depth is bounded by what a page shows."""
        pieces = Pieces()
        self._add(thread.nodes, reading, pieces)
        if thread.after:
            label = self._language.plural("{n} more comment", "{n} more comments", thread.remaining)
            pieces.append(_more(reading.query.parent_id, thread.after, reading, label))
        return pieces

    def _add(self, nodes: Sequence[ThreadNode], reading: Reading, pieces: Pieces) -> None:
        ago = self._language.ago
        for node in nodes:
            comment = node.comment
            mark = reading.marks.get(comment.id, NO_COMMENT_MARK)
            before, after = self._remembered(comment, mark, len(node.children), reading.part(comment))
            pieces += (before, ago(comment.created_at, reading.now).encode(), after)
            if node.children:
                self._add(node.children, reading, pieces)
            if node.hidden_replies:
                label = self._language.plural("{n} more reply", "{n} more replies", node.hidden_replies)
                pieces.append(_more(comment.id, node.after, reading, label))
            pieces.append(b"</ol>\n</details>\n</li>\n")

    def _written(self, comment: Comment, mark: CommentMark, shown_replies: int, part: Part) -> tuple[bytes, bytes]:
        """What stands before and behind a comment's age, up to its replies."""
        comment_id, author = comment.id, comment.author
        live = comment.state == "live"
        css = f"{' focus' if part.in_focus else ''}{'' if live else ' off'}"
        name = _escaped_name(author.name)
        edited = self._edit_mark(comment) if comment.edited_at else ""
        folded = f'<span class="folded">+{shown_replies}</span>' if shown_replies else ""
        return _split(
            f'<li class="comment{css}" id="c{comment_id}">\n'
            f'<p class="meta">{self._who(author, name, WHO)}{self._op if part.wrote_post else ""}\n'
            f'<a href="/post/{comment.post_id}/comment/{comment_id}#c{comment_id}">'
            f"{self._language.time(comment.created_at, AGE)}</a>\n{edited}{folded}</p>\n"
            f'<details open>\n<summary><span class="unseen">{self._fold}{name}</span></summary>\n'
            f"{self._content(comment, mark, part) if live else self._no_text[comment.state]}"
            '<ol class="thread">\n'
        )

    def _content(self, comment: Comment, mark: CommentMark, part: Part) -> str:
        """What a live comment says, and what can be done with it."""
        comment_id = comment.id
        up, is_up, down, is_down = VOTES[mark.vote]
        button = f'form="act" formaction="/comment/{comment_id}/vote/'
        acts = ""
        if part.may_reply:
            acts = f'<a class="act reply" href="/comment/{comment_id}/reply">{self._reply}</a>'
        if part.in_focus and comment.parent_id:
            acts += f'<a class="act" href="/post/{comment.post_id}/comment/{comment.parent_id}">{self._parent}</a>'
        if part.signed_in:
            acts += f'<button formaction="/comment/{comment_id}/save#c{comment_id}" {self._save[mark.saved]}'
        if part.mine:
            acts += f'<a class="act" href="/comment/{comment_id}/edit">{self._edit}</a>'
        if part.mine or part.moderates:
            acts += f'<a class="act" href="/comment/{comment_id}/delete">{self._delete}</a>'
        return (
            f'<div class="prose">{comment.html}</div>\n<div class="acts">\n<span class="votes">'
            f'<button class="up" {button}{up}#c{comment_id}" aria-pressed="{is_up}" aria-label="{self._up}"></button>'
            f'<data class="score" value="{comment.score}">{self._language.number(comment.score)}</data>'
            f'<button class="down" {button}{down}#c{comment_id}" aria-pressed="{is_down}" aria-label="{self._down}">'
            f"</button></span>\n{acts}</div>\n"
        )

    def _edit_mark(self, comment: Comment) -> str:
        """That a comment was edited, and when; where there are earlier versions to see, with the way to them."""
        exact = self._language.exact(comment.edited_at or 0)
        if comment.revisions > 1 and comment.state == "live":
            return f'<a href="/comment/{comment.id}/history" title="{exact}">{self._edited}</a>'
        return f'<span title="{exact}">{self._edited}</span>'


def marked(snippet: str) -> str:
    """What a search shows of a text, as HTML with the hits in ``<mark>``."""
    return escape(snippet).replace(HIT_BEGINS, "<mark>").replace(HIT_ENDS, "</mark>")


def where_found(hit: PostHit) -> dict[str, str]:
    """The title with the hits marked if they are all there, else a snippet of the text."""
    in_title = hit.snippet.replace(HIT_BEGINS, "").replace(HIT_ENDS, "") == hit.post.title
    return {"title_html" if in_title else "snippet_html": marked(hit.snippet)}


def _split(row: str) -> tuple[bytes, bytes]:
    before, _, after = row.partition(AGE)
    return before.encode(), after.encode()


def _more(parent_id: int | None, after: str | None, reading: Reading, label: str) -> bytes:
    """The link to where a thread goes on: below a comment, or at its top."""
    href = f"/post/{reading.query.post_id}/more?sort={reading.query.sort}"
    if parent_id:
        href += f"&parent={parent_id}"
    if after:
        href += f"&after={after}"
    return f'<li class="more"><a href="{escape(href)}">{label}</a></li>\n'.encode()


_escaped_name = lru_cache(maxsize=10_000)(escape)
"""A name as HTML. On a page most stand several times, and on one site they are few."""


def _switch(name: str, on: str, off: str) -> tuple[str, str]:
    """The rest of a button that switches something, while it is off and while it is on, behind its ``formaction``."""
    on, off = escape(on), escape(off)
    begin = f'class="act {name}" form="act" name="value" value='
    return (
        f'{begin}"1" data-other="{off}">{on}</button>',
        f'{begin}"0" data-other="{on}">{off}</button>',
    )


@cache
def post_rows(language: Language) -> PostRows:
    """What writes posts in this language."""
    return PostRows(language)


@cache
def comment_rows(language: Language) -> CommentRows:
    """What writes comments in this language."""
    return CommentRows(language)
