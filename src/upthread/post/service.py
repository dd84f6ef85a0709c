"""What can be done with communities, posts, their votes and feeds: the only door of the post room."""

import asyncio
import re
from functools import cache

import msgspec
from prometheus_client import Counter, Histogram

from upthread import cursor, links, markdown, seed
from upthread.account.model import Actor, Author, PersonErased
from upthread.cursor import TextPosition
from upthread.errors import Forbidden, Gone, Invalid, NotFound, SignInNeeded, UpthreadError
from upthread.post.model import (
    COMMUNITY_PATTERN,
    Community,
    CommunityLink,
    CommunityPage,
    CommunitySort,
    FeedPage,
    FeedQuery,
    FrontPage,
    ImportedIds,
    ImportedPost,
    Post,
    PostDraft,
    PostHits,
    PostMark,
    PostRevision,
    SearchQuery,
    Tally,
    ThreadChanged,
    Vote,
)
from upthread.post.store import CommunityRank, Mark, NewPost, PostStore
from upthread.post.writing import checked_flair, community_texts, imported_posts, writing
from upthread.runtime.calls.methods import idempotent
from upthread.runtime.clock import Clock

PAGE_LIMIT = 100
"""Things on a page at most, whatever is asked for."""
SEARCH_DEPTH = 1_000
"""A search goes no further than this many hits; whoever has not found it by then needs other words."""
SAME_LINK_LIMIT = 5
"""Earlier posts of a link that are pointed out."""
ERASE_BATCH = 200
"""Posts of an erased person changed in one write, so that others don't wait long in between."""
RANKS: dict[CommunitySort, CommunityRank] = {"size": "subscribers", "activity": "activity"}

GUEST_COMMUNITY = "main"
"""Where a guest's post goes that names no community. It begins without a moderator: administrators look after it."""


@cache  # made with a service, so that a process that only calls one from afar does not tell of it
def _figures() -> tuple[Counter, Histogram]:
    return (
        Counter("post_count", "Posts made."),
        Histogram(
            "post_read_db_seconds",
            "Seconds that reading a post from the database took.",
            buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
        ),
    )


class PostService:
    """Communities, posts, votes on posts, feeds. Every method is one call, near or far, with typed ends."""

    def __init__(self, store: PostStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._made, self._read_seconds = _figures()

    # communities

    async def create_community(
        self, actor: Actor, name: str, title: str, description: str = "", rules: str = ""
    ) -> Community:
        """Found a community; the founder moderates it and is subscribed.

        Raises:
            Invalid: fields name (misshapen or taken), title, description or rules (too long).
            SignInNeeded: guests can't.
        """
        _people_only(actor)
        if not re.fullmatch(COMMUNITY_PATTERN, name):
            raise Invalid("A name has 2 to 30 letters (a to z), digits or underscores.", field="name")
        texts = community_texts(title or name, description, rules)
        founder = Author(actor.id, actor.name)
        community = await self._store.add_community(name, texts, founder, self._clock.now())
        if community is None:
            raise Invalid("There is a community of this name already.", field="name")
        return community

    @idempotent
    async def edit_community(self, actor: Actor, name: str, title: str, description: str, rules: str) -> Community:
        """Change a community's texts.

        Raises:
            Invalid: fields title, description or rules (too long).
            Forbidden: the actor neither moderates it nor is an administrator.
            NotFound: no such community.
        """
        community = await self.community(name)
        if not _moderates(actor, community):
            raise Forbidden("Only moderators can change a community.")
        texts = community_texts(title or community.name, description, rules)
        return _found(await self._store.change_community(name, texts))

    @idempotent
    async def community(self, name: str) -> Community:
        """One community with its moderators, by name in any case.

        Raises:
            NotFound: no such community.
        """
        return _found(await self._store.community(name))

    @idempotent
    async def communities(
        self, sort: CommunitySort = "size", after: str | None = None, limit: int = 25
    ) -> CommunityPage:
        """All communities, by subscribers, by recent activity, or by name; without rules and moderators.

        Raises:
            Invalid: field after; the cursor is damaged.
        """
        limit = _page_limit(limit)
        if sort != "name":
            part = await self._store.communities_by_rank(RANKS[sort], cursor.decode(after), limit)
            return CommunityPage(part.communities, cursor.encode(part.end) if part.end else None)
        place = cursor.decode_text(after)
        found = await self._store.communities_by_name(place.key if place else "", limit + 1)
        shown = found[:limit]
        end = TextPosition(shown[-1].name, shown[-1].id) if len(found) > limit else None
        return CommunityPage(shown, cursor.encode(end) if end else None)

    @idempotent
    async def find_communities(self, text: str, limit: int = 10) -> list[Community]:
        """Communities whose name, title or description has these words, best first; the last word may be unfinished."""
        return await self._store.find_communities(text, _page_limit(limit))

    @idempotent
    async def subscribe(self, actor: Actor, community: str, subscribed: bool) -> Community:  # noqa: FBT001 - one form field, one meaning
        """Follow a community or stop; doing so twice changes nothing.

        Raises:
            NotFound: no such community.
            SignInNeeded: guests can't.
        """
        _people_only(actor)
        return _found(await self._store.subscribe(actor.id, community, subscribed=subscribed))

    @idempotent
    async def subscriptions(self, person_id: int) -> list[CommunityLink]:
        """The communities a person follows, by name."""
        return await self._store.subscriptions(person_id)

    @idempotent
    async def follows(self, person_id: int, community_id: int) -> bool:
        """Whether a person follows this community."""
        return await self._store.follows(person_id, community_id)

    # posts

    async def submit(self, actor: Actor, draft: PostDraft) -> Post:
        """Post a link, a text, or both. Whoever is mentioned in the text is told.

        A guest who names no community, as the original's form had none, posts in :data:`GUEST_COMMUNITY`, which is made
        for the first of them.

        Raises:
            Invalid: fields community, title, url, text or flair.
        """
        created_at, sent = seed.times(draft.sent_created_at, self._clock.now())
        new = NewPost(
            community=draft.community or (GUEST_COMMUNITY if actor.is_guest else ""),
            writing=writing(actor, draft.title, draft.text),
            url=links.check(draft.url) if draft.url.strip() else "",
            author=Author(actor.id, actor.name),
            author_email=actor.email,
            created_at=created_at,
            sent_created_at=sent,
            flair=checked_flair(draft.flair),
            nsfw=draft.nsfw,
        )
        post = await self._store.add_post(new)
        if post is None and new.community == GUEST_COMMUNITY:
            await self._store.add_community(
                GUEST_COMMUNITY, community_texts(GUEST_COMMUNITY, "", ""), None, new.created_at
            )
            post = await self._store.add_post(new)
        if post is None:
            raise Invalid("There is no community of this name.", field="community")
        self._made.inc()
        return post

    @idempotent
    async def post(self, post_id: int) -> Post:
        """One post with its text as HTML; a deleted one has its state and no title, link, text or author.

        Raises:
            NotFound: there never was such a post.
        """
        with self._read_seconds.time():
            post = await self._store.post(_possible(post_id))
        if post is None:
            raise _no_post()
        return post

    @idempotent
    async def posts(self, post_ids: list[int]) -> list[Post]:
        """Those of the posts that there are, in the order asked for, as feeds show them."""
        return await self._store.posts([post_id for post_id in post_ids if _is_possible(post_id)])

    @idempotent
    async def same_link(self, community: str, url: str) -> list[Post]:
        """Live posts of this community with the same link, newest first, at most five.

        Links are compared without scheme, ``www.``, a trailing slash, fragment and tracking parameters.
        """
        try:
            checked = links.check(url)
        except Invalid:
            return []
        return await self._store.same_link(community, checked, SAME_LINK_LIMIT)

    @idempotent
    async def edit(self, actor: Actor, post_id: int, title: str, text: str) -> Post:
        """Change title and text of one's own post; the version before stays readable. Same content: no new version.

        Whoever is newly mentioned is told.

        Raises:
            Invalid: fields title or text.
            NotFound, Gone: there is none, or it was deleted.
            Forbidden: it is somebody else's.
        """
        post = await self._live(post_id)
        if not _wrote(actor, post):
            raise Forbidden("Only the author can edit a post.")
        told = {name.lower() for version in await self.history(post_id) for name in markdown.mentions(version.text)}
        revised = await self._store.revise(post_id, writing(actor, title, text, told), self._clock.now())
        if revised is None:
            raise _gone()
        return revised

    @idempotent
    async def history(self, post_id: int) -> list[PostRevision]:
        """All versions of a live post, newest first; the first of the list is the source text to edit.

        Raises:
            NotFound, Gone: there is none, or it was deleted.
        """
        revisions = await self._store.revisions(_possible(post_id))
        if not revisions:
            raise await self._missing(post_id)
        return revisions

    @idempotent
    async def delete(self, actor: Actor, post_id: int) -> None:
        """Delete one's own post, or remove another's as a moderator of its community or administrator.

        What it says and all its versions are destroyed; votes and comments stay. Doing so twice changes nothing.

        Raises:
            NotFound: there never was such a post.
            Forbidden: it is somebody else's.
        """
        post = await self.post(post_id)
        if post.state != "live":
            return
        if _wrote(actor, post):
            await self._store.bury(post_id, "deleted")
        elif _moderates(actor, await self.community(post.community)):
            await self._store.bury(post_id, "removed")
        else:
            raise Forbidden("Only the author or a moderator can delete a post.")

    @idempotent
    async def lock(self, actor: Actor, post_id: int, locked: bool) -> Post:  # noqa: FBT001 - one form field, one meaning
        """Close a post to new comments, or open it again: for moderators and administrators.

        Raises:
            NotFound, Gone: there is none, or it was deleted.
            Forbidden: the actor is neither.
        """
        post = await self._live(post_id)
        if not _moderates(actor, await self.community(post.community)):
            raise Forbidden("Only moderators can lock a post.")
        changed = await self._store.lock(post_id, locked=locked)
        if changed is None:
            raise _gone()
        return changed

    @idempotent
    async def vote(self, actor: Actor, post_id: int, vote: Vote) -> Tally:
        """Set one's vote: 1 up, -1 down, 0 taken back. The same vote twice changes nothing.

        Raises:
            NotFound, Gone: nothing there to vote on.
        """
        tally = await self._store.vote(_possible(post_id), actor.id, vote)
        if tally is None:
            raise await self._missing(post_id)
        return tally

    @idempotent
    async def save(self, actor: Actor, post_id: int, saved: bool) -> None:  # noqa: FBT001 - one form field, one meaning
        """Keep a post in one's saved list, or take it out. Doing so twice changes nothing.

        Raises:
            NotFound, Gone: nothing there to save.
            SignInNeeded: guests can't.
        """
        await self._mark("saved", actor, post_id, marked=saved)

    @idempotent
    async def hide(self, actor: Actor, post_id: int, hidden: bool) -> None:  # noqa: FBT001 - one form field, one meaning
        """Leave a post out of one's feeds, or show it again. Doing so twice changes nothing.

        Raises:
            NotFound, Gone: nothing there to hide.
            SignInNeeded: guests can't.
        """
        await self._mark("hidden", actor, post_id, marked=hidden)

    @idempotent
    async def marks(self, actor_id: int, post_ids: list[int]) -> list[PostMark]:
        """What this person or guest has done with these posts: one query for a whole page."""
        return await self._store.marks(actor_id, [post_id for post_id in post_ids if _is_possible(post_id)])

    @idempotent
    async def feed(self, query: FeedQuery) -> FeedPage:
        """A page of posts.

        Its cost depends on what is shown (and on how many communities a person follows), not on how many posts there
        are.

        Raises:
            NotFound: the community does not exist.
            Invalid: field after; the cursor is damaged.
        """
        query = msgspec.structs.replace(query, limit=_page_limit(query.limit))
        part = await self._store.feed(query, cursor.decode(query.after), self._clock.now())
        if part is None:
            raise _no_community()
        viewer_id = query.viewer_id or query.saved_by or query.hidden_by
        marks = await self._store.marks(viewer_id, [post.id for post in part.posts]) if viewer_id else []
        return FeedPage(part.posts, cursor.encode(part.end) if part.end else None, marks)

    @idempotent
    async def front_page(self, query: FeedQuery, links: int = 10) -> FrontPage:
        """A page of posts, and communities to name beside it; one call, as everyone asks for this.

        Whoever follows nothing gets everything instead of a home feed.

        Args:
            query: which posts.
            links: how many communities are named, where it is not those that a person follows.

        Raises:
            NotFound, Invalid: as for :meth:`feed`.
        """
        followed = [] if query.subscribed_by is None else await self._store.subscriptions(query.subscribed_by)
        if not followed:
            query = msgspec.structs.replace(query, subscribed_by=None)
        return FrontPage(
            feed=await self.feed(query),
            communities=followed or await self._store.most_active(_page_limit(links)),
            is_home=bool(followed),
        )

    @idempotent
    async def search(self, query: SearchQuery) -> PostHits:
        """Posts with these words in title or text, the last word perhaps unfinished: best first among the newest.

        Without words, the newest posts that the filters let through; with neither, none.
        """
        limit = _page_limit(query.limit)
        offset = max(query.offset, 0)
        if offset >= SEARCH_DEPTH:
            return PostHits(hits=[], more=False)
        hits = await self._store.search(msgspec.structs.replace(query, limit=limit, offset=offset))
        return PostHits(hits.hits, more=hits.more and offset + limit < SEARCH_DEPTH)

    # from elsewhere

    @idempotent
    async def import_posts(self, posts: list[ImportedPost]) -> ImportedIds:
        """Take over posts, making their communities where needed; what is there already (by key) stays as it is.

        Titles and texts may be longer than what can be typed here. A link is kept if it opens a web page.
        """
        return await self._store.import_posts(await asyncio.to_thread(imported_posts, posts))

    @idempotent
    async def imported(self, keys: list[str]) -> dict[str, int]:
        """The ids of those of these posts that have been imported, now or earlier, by their key."""
        return await self._store.imported(keys)

    @idempotent
    async def threads_changed(self, events: list[ThreadChanged]) -> None:
        """Take note of comment counts. Idempotent; older news than what is known is passed over."""
        await self._store.threads_changed(events)

    @idempotent
    async def people_erased(self, events: list[PersonErased]) -> None:
        """Take erased people's names (and texts) off their posts, moderation and votes lists. Idempotent."""
        for event in events:
            erased = ERASE_BATCH
            while erased == ERASE_BATCH:
                erased = await self._store.erase_posts(event.person_id, ERASE_BATCH, with_content=event.erase_content)
            await self._store.forget_person(event.person_id)

    @idempotent
    async def check(self) -> None:
        """Answer if the database does.

        Raises:
            Unavailable: it does not.
        """
        await self._store.check()

    async def _mark(self, mark: Mark, actor: Actor, post_id: int, *, marked: bool) -> None:
        _people_only(actor)
        _possible(post_id)
        if not marked:
            await self._store.clear_mark(mark, actor.id, post_id)
        elif not await self._store.set_mark(mark, actor.id, post_id, self._clock.now()):
            raise await self._missing(post_id)

    async def _live(self, post_id: int) -> Post:
        post = await self.post(post_id)
        if post.state != "live":
            raise _gone()
        return post

    async def _missing(self, post_id: int) -> UpthreadError:
        """Why nothing can be done with a post that is not live."""
        return _gone() if await self._store.post(post_id) else _no_post()


# Who may, and what is not there


def _people_only(actor: Actor) -> None:
    if actor.id <= 0:
        raise SignInNeeded("Log in to do this.")


def _wrote(actor: Actor, post: Post) -> bool:
    """Guests are known by a cookie only, which is too little to let them change what is public."""
    return post.author.id == actor.id > 0


def _moderates(actor: Actor, community: Community) -> bool:
    return actor.is_admin or any(moderator.id == actor.id for moderator in community.moderators)


def _found(community: Community | None) -> Community:
    if community is None:
        raise _no_community()
    return community


def _no_community() -> NotFound:
    return NotFound("There is no such community.")


def _no_post() -> NotFound:
    return NotFound("There is no such post.")


def _gone() -> Gone:
    return Gone("This post has been deleted.")


def _is_possible(post_id: int) -> bool:
    return 0 < post_id <= cursor.LARGEST_ID


def _possible(post_id: int) -> int:
    """An id that a database can be asked for; addresses may be made up and hold any number."""
    if not _is_possible(post_id):
        raise _no_post()
    return post_id


def _page_limit(limit: int) -> int:
    return min(max(limit, 1), PAGE_LIMIT)
