"""Search over posts and communities by lists of words; what a search asks for is in storage/mongo_fulltext.py."""

from pymongo import DESCENDING

from upthread.links import as_domain
from upthread.post.model import Community, PostHit, PostHits, SearchQuery
from upthread.post.mongo_documents import WITH_ITS_TEXT, community_of, post_of
from upthread.post.mongo_layout import COMMUNITY, COMMUNITY_TEXT, POST, POST_TEXT
from upthread.ranking import SEARCH_WINDOW
from upthread.storage.fulltext import HIT_BEGINS
from upthread.storage.mongo import Document, MongoDatabase
from upthread.storage.mongo_fulltext import Wanted, highlight, relevance, snippet, wanted

POST_WEIGHTS = {"in_title": 8.0}
"""How much more a hit in the title counts than one in the text."""
COMMUNITY_WEIGHTS = {"in_name": 10.0, "in_title": 5.0}
"""How much more a hit in a community's name or title counts than one in its description."""
AUTHOR = "author"
NEWEST_FIRST = {"created_at": DESCENDING, "_id": DESCENDING}


def name_words(community: str | None, author: str | None, domain: str | None) -> list[str]:
    """What stands for these names among the words of a post, as far as there are any."""
    names = {"community": community, AUTHOR: author, "domain": domain}
    return [f"{kind}:{name.lower()}" for kind, name in names.items() if name]


async def find_communities(database: MongoDatabase, text: str, limit: int) -> list[Community]:
    """Communities with these words (the last one may be unfinished), best first."""
    asked = wanted(text)
    if not asked:
        return []
    matches = await database.aggregate(
        COMMUNITY_TEXT,
        [
            {"$match": {"$and": asked.conditions()}},
            {"$limit": SEARCH_WINDOW},
            {
                "$project": {
                    "in_name": asked.hits("name_words"),
                    "in_title": asked.hits("title_words"),
                    "length": {"$size": "$words"},
                }
            },
        ],
    )
    if not matches:
        return []
    relevant = relevance(asked, matches, COMMUNITY_WEIGHTS)
    scores = {match["_id"]: score for match, score in zip(matches, relevant, strict=True)}
    least = sorted(scores.values(), reverse=True)[:limit][-1]
    best = [community_id for community_id, score in scores.items() if score >= least]
    found = await database.aggregate(COMMUNITY, [{"$match": {"_id": {"$in": best}}}, WITH_ITS_TEXT])
    found.sort(key=lambda community: (scores[community["_id"]], community["subscribers"]), reverse=True)
    return [community_of(community) for community in found[:limit]]


async def search(database: MongoDatabase, query: SearchQuery) -> PostHits:
    """Live posts that match, best first among the newest; newest first where no words are asked for."""
    asked = wanted(query.text)
    names = name_words(query.community, query.author, query.domain and as_domain(query.domain))
    made = {"$gte": query.after, "$lt": query.before}
    within = {"created_at": {bound: time for bound, time in made.items() if time is not None}}
    if asked or names:
        ids = await _matching(database, asked, names, within if within["created_at"] else {})
        page = ids[query.offset : query.offset + query.limit + 1]
    elif within["created_at"]:
        page = await _newest(database, within, query)
    else:
        return PostHits(hits=[], more=False)
    shown = page[: query.limit]
    return PostHits(
        hits=await _hits(database, shown, asked, with_snippets=bool(asked or names)), more=len(page) > query.limit
    )


async def _matching(database: MongoDatabase, asked: Wanted, names: list[str], within: Document) -> list[int]:
    """Ids of matches, best first among the newest of them, so that a common word stays cheap."""
    conditions = [*asked.conditions(), *({"words": name} for name in names)]
    read: Document = {"created_at": 1}
    if asked:
        read = {"in_title": asked.hits("title_words"), "length": {"$size": "$words"}}
    matches = await database.aggregate(
        POST_TEXT,
        [
            {"$match": {"$and": conditions, **within}},
            {"$sort": NEWEST_FIRST},
            {"$limit": SEARCH_WINDOW},
            {"$project": read},
        ],
    )
    if not asked:
        return [match["_id"] for match in matches]
    relevant = relevance(asked, matches, POST_WEIGHTS)
    scored = [(score, match["_id"]) for match, score in zip(matches, relevant, strict=True)]
    return [post_id for _, post_id in sorted(scored, reverse=True)]


async def _newest(database: MongoDatabase, within: Document, query: SearchQuery) -> list[int]:
    """Ids of posts made within these times, newest first."""
    posts = database.collection(POST).find({"state": "live", **within}, ["_id"]).sort(NEWEST_FIRST)
    found = await database.read(posts.skip(query.offset).limit(query.limit + 1).hint("by_created_at").to_list())
    return [post["_id"] for post in found]


async def _hits(database: MongoDatabase, ids: list[int], asked: Wanted, *, with_snippets: bool) -> list[PostHit]:
    these: Document = {"_id": {"$in": ids}}
    found = await database.read(database.collection(POST).find(these).to_list())
    posts = {post["_id"]: post_of(post) for post in found}
    snippets: dict[int, str] = {}
    if with_snippets:
        texts = await database.read(database.collection(POST_TEXT).find(these, ["title", "plain"]).to_list())
        snippets = {text["_id"]: _snippet(text, asked) for text in texts}
    return [PostHit(posts[post_id], snippets.get(post_id, "")) for post_id in ids if post_id in posts]


def _snippet(text: Document, asked: Wanted) -> str:
    title, part = highlight(text["title"], asked), snippet(text["plain"], asked)
    return title if HIT_BEGINS in title and HIT_BEGINS not in part else part
