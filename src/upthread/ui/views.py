"""From what the services answer to what the templates print, with every link and permission worked out.

Things that a page has one of are plain dicts. Lists are HTML already (:mod:`upthread.ui.rows`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from minijinja import safe

from upthread.account.model import Actor, Author
from upthread.comment.model import Comment, CommentMark, ThreadPage, ThreadQuery
from upthread.post.model import Community, Post, PostHit, PostMark
from upthread.ui.language import Language
from upthread.ui.rows import NO_COMMENT_MARK, NO_POST_MARK, Part, Reading, comment_rows, post_rows, where_found
from upthread.ui.templates import Pieces

View = dict[str, Any]


class Views:
    """Makes view models for one visitor: in their language, at one moment, with what they may do."""

    def __init__(self, language: Language, now: int, viewer: Actor | None, *, may_comment: bool) -> None:
        self._language = language
        self._now = now
        self._viewer_id = viewer.id if viewer else 0
        self._is_admin = viewer is not None and viewer.is_admin
        self._is_person = viewer is not None and not viewer.is_guest
        self._may_comment = may_comment

    def time(self, then: int) -> str:
        """A moment as a person reads it, with the exact time to hover over, as HTML."""
        return safe(self._language.time(then, self._language.ago(then, self._now)))

    def author(self, author: Author) -> View:
        """Who wrote it: a person with a page, a guest, or somebody who is gone."""
        if author.id > 0:
            return {"name": author.name, "href": f"/u/{author.name}", "kind": "person"}
        if author.id < 0:
            return {"name": author.name, "href": None, "kind": "guest"}
        return {"name": author.name, "href": None, "kind": "gone"}

    def post(self, post: Post, mark: PostMark = NO_POST_MARK, *, moderates: bool = False) -> View:
        """A post on a page of its own."""
        href = f"/post/{post.id}"
        live = post.state == "live"
        mine = self._is_person and post.author.id == self._viewer_id
        moderates = self._is_admin or moderates
        return {
            "id": post.id,
            "href": href,
            "link": post.url or href,
            "is_link": bool(post.url),
            "domain": post.domain,
            "domain_href": f"/d/{post.domain}" if post.domain else None,
            "title": post.title,
            "community": post.community,
            "community_href": f"/c/{post.community}",
            "author": self.author(post.author),
            "time": self.time(post.created_at),
            "score": post.score,
            "ups": post.ups,
            "downs": post.downs,
            "comments": post.comments,
            "locked": post.locked,
            "state": post.state,
            "edited": self._language.exact(post.edited_at) if post.edited_at else None,
            "history_href": f"{href}/history" if post.revisions > 1 and live else None,
            "marks": safe(post_rows(self._language).marks(post)),
            "vote": mark.vote,
            "saved": mark.saved,
            "hidden": mark.hidden,
            "may_edit": mine and live,
            "may_delete": live and (mine or moderates),
            "may_lock": live and moderates,
            "html": post.html,
        }

    def posts(self, posts: Iterable[Post], done: Iterable[PostMark]) -> Pieces:
        """The posts of a list as HTML, each with what the visitor has done with it."""
        marks = {mark.post_id: mark for mark in done}
        write = post_rows(self._language).row
        pieces = Pieces()
        for post in posts:
            pieces += write(post, marks.get(post.id, NO_POST_MARK), self._now, signed_in=self._is_person)
        return pieces

    def hits(self, hits: Iterable[PostHit], marks: Mapping[int, PostMark]) -> Pieces:
        """Posts that a search has found as HTML, with the hits in ``<mark>``: in the title, or in a snippet below."""
        write = post_rows(self._language).row
        pieces = Pieces()
        for hit in hits:
            mark = marks.get(hit.post.id, NO_POST_MARK)
            pieces += write(hit.post, mark, self._now, signed_in=self._is_person, **where_found(hit))
        return pieces

    def flat_comment(self, comment: Comment, mark: CommentMark = NO_COMMENT_MARK) -> View:
        """A comment outside of its thread, with the post it belongs to."""
        post_href = f"/post/{comment.post_id}"
        live = comment.state == "live"
        mine = self._is_person and comment.author.id == self._viewer_id
        return {
            "id": comment.id,
            "href": f"{post_href}/comment/{comment.id}",
            "anchor": f"c{comment.id}",
            "author": self.author(comment.author),
            "time": self.time(comment.created_at),
            "score": comment.score,
            "html": comment.html,
            "saved": mark.saved,
            "state": comment.state,
            "may_reply": live and self._may_comment,
            "may_edit": mine and live,
            "may_delete": live and (mine or self._is_admin),
            "reply_href": f"/comment/{comment.id}/reply",
            "edit_href": f"/comment/{comment.id}/edit",
            "post": {
                "title": comment.title,
                "href": post_href,
                "community": comment.community,
                "community_href": f"/c/{comment.community}",
            },
        }

    def thread(
        self, thread: ThreadPage, query: ThreadQuery, post: Post, marks: Mapping[int, CommentMark], *, moderates: bool
    ) -> Pieces:
        """A part of a post's thread as HTML, each comment with what the visitor has done with it."""
        reading = Reading(
            query=query,
            post_author_id=post.author.id,
            marks=marks,
            now=self._now,
            person_id=self._viewer_id if self._is_person else 0,
            usual=Part(
                signed_in=self._is_person,
                may_reply=self._may_comment and not post.locked and post.state == "live",
                moderates=moderates or self._is_admin,
            ),
        )
        return comment_rows(self._language).thread(thread, reading)

    def community(self, community: Community, *, subscribed: bool = False) -> View:
        """A community in a list, or on its page."""
        moderates = self._is_admin or any(moderator.id == self._viewer_id for moderator in community.moderators)
        href = f"/c/{community.name}"
        return {
            "name": community.name,
            "href": href,
            "title": community.title,
            "html": community.description_html,
            "rules_html": community.rules_html,
            "subscribers": community.subscribers,
            "posts": community.posts,
            "subscribed": subscribed,
            "may_moderate": moderates,
            "moderators": [self.author(moderator) for moderator in community.moderators],
            "time": self.time(community.created_at),
            "settings_href": f"{href}/settings",
        }
