"""Search over comments by lists of words; what a search asks for is in storage/mongo_fulltext.py."""

from pymongo import DESCENDING

from upthread import markdown
from upthread.comment.model import CommentHit, CommentHits, SearchQuery
from upthread.comment.mongo_documents import WITH_ITS_THREAD, comment_of
from upthread.comment.mongo_layout import COMMENT, COMMENT_TEXT
from upthread.ranking import SEARCH_WINDOW
from upthread.storage.fulltext import without_marks
from upthread.storage.mongo import Document, MongoDatabase
from upthread.storage.mongo_fulltext import Wanted, relevance, snippet, wanted

AUTHOR = "author"
NEWEST_FIRST = {"created_at": DESCENDING, "_id": DESCENDING}


def name_words(community: str | None, author: str | None) -> list[str]:
    """What stands for these names among the words of a comment, as far as there are any."""
    names = {"community": community, AUTHOR: author}
    return [f"{kind}:{name.lower()}" for kind, name in names.items() if name]


async def search(database: MongoDatabase, query: SearchQuery) -> CommentHits:
    """Live comments that match, best first among the newest; newest first where no words are asked for."""
    asked = wanted(query.text)
    names = name_words(query.community, query.author)
    made = {"$gte": query.after, "$lt": query.before}
    bounds = {bound: time for bound, time in made.items() if time is not None}
    within: Document = {"created_at": bounds} if bounds else {}
    if query.text.strip() and not asked:  # nothing of it is a word
        page = []
    elif asked or names:
        ids = await _matching(database, asked, names, within)
        page = ids[query.offset : query.offset + query.limit + 1]
    elif within:
        page = await _newest(database, within, query)
    else:
        page = []
    shown = page[: query.limit]
    hits = await _hits(database, shown, asked, with_snippets=bool(asked or names))
    return CommentHits(hits=hits, more=len(page) > query.limit)


async def _matching(database: MongoDatabase, asked: Wanted, names: list[str], within: Document) -> list[int]:
    """Ids of matches, best first among the newest of them, so that a common word stays cheap."""
    conditions = [*asked.conditions(), *({"words": name} for name in names)]
    matches = await database.aggregate(
        COMMENT_TEXT,
        [
            {"$match": {"$and": conditions, **within}},
            {"$sort": NEWEST_FIRST},
            {"$limit": SEARCH_WINDOW},
            {"$project": {"hits": asked.hits("words"), "length": {"$size": "$words"}} if asked else {"_id": 1}},
        ],
    )
    if not asked:
        return [match["_id"] for match in matches]
    relevant = relevance(asked, matches, {"hits": 1.0})
    scored = [(score, match["_id"]) for match, score in zip(matches, relevant, strict=True)]
    return [comment_id for _, comment_id in sorted(scored, reverse=True)]


async def _newest(database: MongoDatabase, within: Document, query: SearchQuery) -> list[int]:
    """Ids of comments made within these times, newest first."""
    comments = database.collection(COMMENT).find({"state": "live", **within}, ["_id"]).sort(NEWEST_FIRST)
    found = await database.read(comments.skip(query.offset).limit(query.limit + 1).hint("by_created_at").to_list())
    return [comment["_id"] for comment in found]


async def _hits(database: MongoDatabase, ids: list[int], asked: Wanted, *, with_snippets: bool) -> list[CommentHit]:
    if not ids:
        return []
    found = await database.aggregate(COMMENT, [{"$match": {"_id": {"$in": ids}}}, WITH_ITS_THREAD])
    comments = {comment["_id"]: comment_of(comment) for comment in found}
    hits = []
    for comment_id in ids:
        if comment := comments.get(comment_id):
            plain = without_marks(markdown.plain(comment.html))
            hits.append(CommentHit(comment, snippet(plain, asked) if with_snippets else ""))
    return hits
