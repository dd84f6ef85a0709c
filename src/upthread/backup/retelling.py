"""Facts told anew after a restore, where the rooms were not read at one moment.

Then a room may have missed a fact that its sender had delivered before the sender was read. States are told anew by
their own revision, which costs a receiver that knows them nothing. What a deleted account had asked to be emptied is no
longer known, so only their name is taken off what is left.
"""

from collections.abc import Iterator

import msgspec

from upthread.account.model import PersonErased
from upthread.account.records import PersonRecord
from upthread.backup.file import Record
from upthread.comment import facts as comment_facts
from upthread.comment.model import PostChanged
from upthread.comment.records import CommentKarma, ThreadRecord
from upthread.post import facts as post_facts
from upthread.post.records import CommunityRecord, PostKarma, PostRecord
from upthread.storage.records import WaitingFact


class Retelling:
    """Makes the facts that follow from records, which are given in the order of the file."""

    def __init__(self) -> None:
        self._communities: dict[int, str] = {}

    def of(self, record: Record) -> Iterator[WaitingFact]:
        """What the others should know of this."""
        match record:
            case CommunityRecord():
                self._communities[record.id] = record.name
            case PostRecord() if record.told_revision:
                changed = PostChanged(
                    post_id=record.id,
                    title=record.versions[-1].title if record.versions else "",
                    community=self._communities[record.community_id],
                    author_id=record.author_id,
                    revision=record.told_revision,
                )
                yield _waiting("comment", str(record.id), changed)
            case ThreadRecord():
                told = comment_facts.thread_changed(
                    record.post_id, record.comments, record.last_comment_at, record.revision
                )
                yield _waiting(*told)
            case PostKarma():
                yield _waiting(*post_facts.karma(record.author_id, record.karma, record.revision))
            case CommentKarma():
                yield _waiting(*comment_facts.karma(record.author_id, record.karma, record.revision))
            case PersonRecord() if record.deleted_at is not None:
                for receiver in ("post", "comment"):
                    erased = PersonErased(person_id=record.id, erase_content=False)
                    yield _waiting(receiver, str(record.id), erased)


def _waiting(receiver: str, key: str, fact: msgspec.Struct) -> WaitingFact:
    return WaitingFact(receiver, type(fact).__name__, key, msgspec.msgpack.encode(fact))
