"""People who talk below a post: what the contract tests of the comment room share."""

from collections.abc import Iterator

from upthread.account.model import Actor, Author
from upthread.comment.model import Comment, ThreadNode, ThreadRef
from upthread.comment.service import CommentService

ANN = Actor(1, "Ann")
ANN_AUTHOR = Author(ANN.id, ANN.name)
BOB = Actor(2, "Bob")
CID = Actor(3, "Cid")
ROOT = Actor(4, "Root", is_admin=True)
GUEST = Actor(-5, "Guest", email="guest@a.example")
THREAD = ThreadRef(post_id=1, author_id=BOB.id, title="Swifts are back", community="birds")
OTHER_THREAD = ThreadRef(post_id=2, author_id=BOB.id, title="Old maps", community="maps")


class Talk:
    """A thread that people add to."""

    def __init__(self, service: CommentService, thread: ThreadRef = THREAD) -> None:
        self.service = service
        self.thread = thread

    async def say(self, text: str = "Indeed.", below: Comment | None = None, by: Actor = ANN) -> Comment:
        """Add a comment, at the top or below another."""
        return await self.service.add(by, self.thread, below.id if below else None, text)


def nodes_of(nodes: list[ThreadNode]) -> Iterator[ThreadNode]:
    """All nodes of a page in display order."""
    for node in nodes:
        yield node
        yield from nodes_of(node.children)


def ids_of(nodes: list[ThreadNode]) -> list[int]:
    """The ids on a page in display order."""
    return [node.comment.id for node in nodes_of(nodes)]
