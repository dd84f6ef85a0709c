"""What can be done with communities, posts, their votes and feeds: the only door of the post room."""

from upthread.account.model import Actor, PersonErased
from upthread.post.model import (
    Community,
    CommunityPage,
    CommunitySort,
    FeedPage,
    FeedQuery,
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


class PostService:
    """Communities, posts, votes on posts, feeds. Every method is one call, near or far, with typed ends."""

    # communities

    async def create_community(
        self, actor: Actor, name: str, title: str, description: str = "", rules: str = ""
    ) -> Community:
        """Found a community; the founder moderates it and is subscribed.

        Raises:
            Invalid: a field is empty, too long or misshapen, or the name is taken (fields: name, title, description, rules).
            Forbidden: guests can't.
        """
        raise NotImplementedError

    async def edit_community(self, actor: Actor, name: str, title: str, description: str, rules: str) -> Community:
        """Change a community's texts.

        Raises:
            Forbidden: the actor neither moderates it nor is an administrator.
        """
        raise NotImplementedError

    async def community(self, name: str) -> Community:
        """One community with its moderators, by name in any case.

        Raises:
            NotFound: no such community.
        """
        raise NotImplementedError

    async def communities(self, sort: CommunitySort = "size", after: str | None = None, limit: int = 25) -> CommunityPage:
        """All communities, by subscribers, by recent activity, or by name."""
        raise NotImplementedError

    async def find_communities(self, text: str, limit: int = 10) -> list[Community]:
        """Communities whose name, title or description has these words, best first."""
        raise NotImplementedError

    async def subscribe(self, actor: Actor, community: str, subscribed: bool) -> Community:
        """Follow a community or stop; doing so twice changes nothing."""
        raise NotImplementedError

    async def subscriptions(self, person_id: int) -> list[Community]:
        """The communities a person follows, by name."""
        raise NotImplementedError

    # posts

    async def submit(self, actor: Actor, draft: PostDraft) -> Post:
        """Post a link or a text.

        Raises:
            Invalid: fields community, title, url, text or flair.
        """
        raise NotImplementedError

    async def post(self, post_id: int) -> Post:
        """One post with its text as HTML; a deleted one has its state and no author, link or text.

        Raises:
            NotFound: there never was such a post.
        """
        raise NotImplementedError

    async def posts(self, post_ids: list[int]) -> list[Post]:
        """Those of the posts that there are, in the order asked for, as feeds show them."""
        raise NotImplementedError

    async def same_link(self, community: str, url: str) -> list[Post]:
        """Live posts of this community with the same link, newest first, at most five. Links are compared
        without scheme, ``www.``, a trailing slash, fragment and tracking parameters.
        """
        raise NotImplementedError

    async def edit(self, actor: Actor, post_id: int, title: str, text: str) -> Post:
        """Change title and text of one's own post; the version before stays readable. Same content: no new version."""
        raise NotImplementedError

    async def history(self, post_id: int) -> list[PostRevision]:
        """All versions of a live post, newest first; the first of the list is the source text to edit.

        Raises:
            NotFound, Gone: there is none, or it was deleted.
        """
        raise NotImplementedError

    async def delete(self, actor: Actor, post_id: int) -> None:
        """Delete one's own post, or remove another's as a moderator of its community or administrator.

        Its text and versions are destroyed. Doing so twice changes nothing.
        """
        raise NotImplementedError

    async def lock(self, actor: Actor, post_id: int, locked: bool) -> Post:
        """Close a post to new comments, or open it again: for moderators and administrators."""
        raise NotImplementedError

    async def vote(self, actor: Actor, post_id: int, vote: Vote) -> Tally:
        """Set one's vote: 1 up, -1 down, 0 taken back. The same vote twice changes nothing.

        Raises:
            NotFound, Gone: nothing there to vote on.
        """
        raise NotImplementedError

    async def save(self, actor: Actor, post_id: int, saved: bool) -> None:
        """Keep a post in one's saved list, or take it out."""
        raise NotImplementedError

    async def hide(self, actor: Actor, post_id: int, hidden: bool) -> None:
        """Leave a post out of one's feeds, or show it again."""
        raise NotImplementedError

    async def marks(self, actor_id: int, post_ids: list[int]) -> list[PostMark]:
        """What this person or guest has done with these posts: one query for a whole page."""
        raise NotImplementedError

    async def feed(self, query: FeedQuery) -> FeedPage:
        """A page of posts. Its cost depends on what is shown (and on how many communities a person follows),
        not on how many posts there are.

        Raises:
            NotFound: the community does not exist.
            Invalid: field after; the cursor is damaged.
        """
        raise NotImplementedError

    async def search(self, query: SearchQuery) -> PostHits:
        """Posts with these words in title or text."""
        raise NotImplementedError

    # from elsewhere

    async def import_posts(self, posts: list[ImportedPost]) -> ImportedIds:
        """Take over posts, making their communities where needed; what is there already (by key) stays as it is."""
        raise NotImplementedError

    async def threads_changed(self, events: list[ThreadChanged]) -> None:
        """Take note of comment counts. Idempotent; older news than what is known is passed over."""
        raise NotImplementedError

    async def people_erased(self, events: list[PersonErased]) -> None:
        """Take erased people's names (and texts) off their posts, moderation and votes lists. Idempotent."""
        raise NotImplementedError

    async def check(self) -> None:
        """Answer if the database does.

        Raises:
            Unavailable: it does not.
        """
        raise NotImplementedError
