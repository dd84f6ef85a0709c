"""What becomes of each page when a service is missing."""

MISSING = {
    "post": "Can&#x27;t show posts, some problems with the post service.",
    "comment": "Can&#x27;t show comments, some problems with the comment service.",
    "account": "Can&#x27;t tell who you are, some problems with the account service.",
}
"""What a page says that comes without a service, by the service."""

ONLY, WITHOUT = "does not come", "comes, and says what is missing"
POST, COMMENT, ACCOUNT = "post", "comment", "account"
OWN = {ACCOUNT: ONLY}
ANYONE = {ACCOUNT: WITHOUT}
SHOWN: dict[str, dict[str, str]] = {
    "/": {POST: WITHOUT, **ANYONE},
    "/all": {POST: WITHOUT, **ANYONE},
    "/saved": {POST: WITHOUT, **OWN},
    "/saved?type=comments": {COMMENT: WITHOUT, **OWN},
    "/hidden": {POST: WITHOUT, **OWN},
    "/feed.atom": {POST: ONLY},
    "/new": {POST: WITHOUT, **OWN},
    "/post/1": {POST: ONLY, COMMENT: WITHOUT, **ANYONE},
    "/post/1/more": {POST: ONLY, COMMENT: WITHOUT, **ANYONE},
    "/post/1/feed.rss": {POST: ONLY, COMMENT: ONLY},
    "/post/1/edit": {POST: ONLY, **OWN},
    "/post/1/history": {POST: ONLY, **ANYONE},
    "/post/1/delete": {POST: ONLY, **OWN},
    "/post/1/comment/1": {POST: ONLY, COMMENT: WITHOUT, **ANYONE},
    "/comment/1/reply": {POST: ONLY, COMMENT: ONLY, **OWN},
    "/comment/1/edit": {COMMENT: ONLY, **OWN},
    "/comment/1/history": {COMMENT: ONLY, **ANYONE},
    "/comment/1/delete": {COMMENT: ONLY, **OWN},
    "/communities": {POST: ONLY, **ANYONE},
    "/communities/new": OWN,
    "/c/birds": {POST: ONLY, **ANYONE},
    "/c/birds/feed.atom": {POST: ONLY},
    "/c/birds/settings": {POST: ONLY, **OWN},
    "/d/example.org": {POST: WITHOUT, **ANYONE},
    "/d/example.org/feed.rss": {POST: ONLY},
    "/u/ada": {POST: WITHOUT, **OWN},
    "/u/ada/comments": {COMMENT: WITHOUT, **OWN},
    "/u/ada/feed.atom": {POST: ONLY, ACCOUNT: ONLY},
    "/signup": ANYONE,
    "/login": ANYONE,
    "/logout": ANYONE,
    "/settings": OWN,
    "/settings/profile": OWN,
    "/settings/password": OWN,
    "/settings/sessions": OWN,
    "/settings/delete": OWN,
    "/inbox": OWN,
    "/search": ANYONE,
    "/search?q=wren": {POST: ONLY, **ANYONE},
    "/search?q=wren&type=comments": {COMMENT: ONLY, **ANYONE},
    "/search?q=wren&type=communities": {POST: ONLY, **ANYONE},
    "/search?q=wren&type=people": OWN,
    "/about": ANYONE,
}
"""All pages, and what becomes of them for somebody who is logged in when a service is missing. Other services they do
without."""
