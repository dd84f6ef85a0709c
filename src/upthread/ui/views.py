"""From what the services answer to what the templates print: plain dicts, with every link and permission worked out."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from upthread.account.model import Actor, Author
from upthread.comment.model import Comment, CommentMark, CommentSort, ThreadNode
from upthread.post.model import Community, Post, PostMark
from upthread.ui.language import Language

View = dict[str, Any]

NO_POST_MARK = PostMark(post_id=0)
NO_COMMENT_MARK = CommentMark(comment_id=0)


class Views:
    """Makes view models for one visitor: in their language, at one moment, with what they may do."""

    def __init__(
        self, language: Language, now: int, viewer: Actor | None, *, may_vote: bool, may_comment: bool
    ) -> None:
        self._language = language
        self._now = now
        self._viewer_id = viewer.id if viewer else 0
        self._is_admin = viewer is not None and viewer.is_admin
        self._is_person = viewer is not None and not viewer.is_guest
        self._may_vote = may_vote
        self._may_comment = may_comment

    def time(self, then: int) -> View:
        """A time as a person reads it, with the exact one to hover over."""
        return {
            "iso": f"{datetime.fromtimestamp(then, UTC).isoformat()[:19]}Z",  # strftime takes four times as long
            "exact": self._language.exact(then),
            "ago": self._language.ago(then, self._now),
        }

    def author(self, author: Author) -> View:
        """Who wrote it: a person with a page, a guest, or somebody who is gone."""
        if author.id > 0:
            return {"name": author.name, "href": f"/u/{author.name}", "kind": "person"}
        if author.id < 0:
            return {"name": author.name, "href": None, "kind": "guest"}
        return {"name": author.name, "href": None, "kind": "gone"}

    def post(self, post: Post, mark: PostMark = NO_POST_MARK, *, moderates: bool = False) -> View:
        """A post in a list or on its page."""
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
            "flair": post.flair,
            "nsfw": post.nsfw,
            "locked": post.locked,
            "state": post.state,
            "edited": self.time(post.edited_at) if post.edited_at else None,
            "history_href": f"{href}/history" if post.revisions > 1 and live else None,
            "vote": mark.vote,
            "saved": mark.saved,
            "hidden": mark.hidden,
            "mine": mine,
            "may_edit": mine and live,
            "may_delete": live and (mine or moderates),
            "may_lock": live and moderates,
            "may_vote": live and self._may_vote,
            "has_text": post.has_text,
            "html": post.html,
        }

    def posts(self, posts: Iterable[Post], marks: Mapping[int, PostMark]) -> list[View]:
        """The posts of a list, each with what the visitor has done with it."""
        return [self.post(post, marks.get(post.id, NO_POST_MARK)) for post in posts]

    def comment(
        self,
        comment: Comment,
        mark: CommentMark = NO_COMMENT_MARK,
        *,
        post_author_id: int = 0,
        moderates: bool = False,
        locked: bool = False,
    ) -> View:
        """A comment without what is below it."""
        href = f"/post/{comment.post_id}/comment/{comment.id}"
        live = comment.state == "live"
        mine = self._is_person and comment.author.id == self._viewer_id
        return {
            "id": comment.id,
            "href": href,
            "anchor": f"c{comment.id}",
            "post_id": comment.post_id,
            "parent_href": f"/post/{comment.post_id}/comment/{comment.parent_id}" if comment.parent_id else None,
            "author": self.author(comment.author),
            "is_op": comment.author.id != 0 and comment.author.id == post_author_id,
            "mine": mine,
            "time": self.time(comment.created_at),
            "edited": self.time(comment.edited_at) if comment.edited_at else None,
            "history_href": f"/comment/{comment.id}/history" if comment.revisions > 1 and live else None,
            "score": comment.score,
            "ups": comment.ups,
            "downs": comment.downs,
            "html": comment.html,
            "depth": comment.depth,
            "vote": mark.vote,
            "saved": mark.saved,
            "state": comment.state,
            "may_reply": live and not locked and self._may_comment,
            "may_edit": mine and live,
            "may_delete": live and (mine or moderates or self._is_admin),
            "may_vote": live and self._may_vote,
            "reply_href": f"/comment/{comment.id}/reply",
            "edit_href": f"/comment/{comment.id}/edit",
            "focus": False,
            "children": [],
            "more": None,
            "post": None,
        }

    def flat_comment(self, comment: Comment, mark: CommentMark = NO_COMMENT_MARK) -> View:
        """A comment in a list outside of its thread, with the post it belongs to."""
        view = self.comment(comment, mark)
        view["post"] = {
            "title": comment.title,
            "href": f"/post/{comment.post_id}",
            "community": comment.community,
            "community_href": f"/c/{comment.community}",
        }
        return view

    def tree(
        self, nodes: list[ThreadNode], marks: Mapping[int, CommentMark], post: Post, sort: CommentSort,
        *, moderates: bool, focus: int | None = None,
    ) -> list[View]:  # fmt: skip
        """A thread as nested view models. Its depth is bounded by what a page shows."""
        views = []
        for node in nodes:
            comment = node.comment
            view = self.comment(
                comment,
                marks.get(comment.id, NO_COMMENT_MARK),
                post_author_id=post.author.id,
                moderates=moderates,
                locked=post.locked or post.state != "live",
            )
            view["focus"] = comment.id == focus
            view["children"] = self.tree(node.children, marks, post, sort, moderates=moderates, focus=focus)
            if node.hidden_replies:
                view["more"] = {
                    "count": node.hidden_replies,
                    "href": continue_href(comment.post_id, sort, comment.id, node.after),
                }
            views.append(view)
        return views

    def place(self, community: Community) -> View:
        """A community as a link only: a person's front page has one to each that they follow, and there may be 200."""
        return {"name": community.name, "href": f"/c/{community.name}", "subscribers": community.subscribers}

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


def continue_href(post_id: int, sort: CommentSort, parent_id: int | None, after: str | None) -> str:
    """Where a thread goes on: below a comment, or at its top."""
    href = f"/post/{post_id}/more?sort={sort}"
    if parent_id:
        href += f"&parent={parent_id}"
    if after:
        href += f"&after={after}"
    return href
