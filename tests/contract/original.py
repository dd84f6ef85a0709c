"""A miniature of the original's website: what it asks of the services behind it, and how."""

from typing import Any

import httpx

Answer = dict[str, Any]


class OriginalUi:
    """Calls ``post`` and ``comment`` as the original's ``ui`` does: forms in, JSON out, nobody logged in."""

    def __init__(self, post: httpx.AsyncClient, comment: httpx.AsyncClient) -> None:
        self.post = post
        self.comment = comment

    async def all_posts(self) -> list[Answer]:
        """The front page."""
        return list(_well(await self.post.get("/posts")).json())

    async def add_post(self, title: str, link: str = "https://example.org/", created_at: str = "1699999000") -> str:
        """Its form for a new post, and the id under which the front page then has it."""
        before = {post["_id"]["$oid"] for post in await self.all_posts()}
        answer = await self.post.post("/add_post", data={"title": title, "link": link, "created_at": created_at})
        assert _well(answer).text == "OK"
        (added,) = {post["_id"]["$oid"] for post in await self.all_posts()} - before
        return str(added)

    async def vote(self, post_id: str, number: int) -> None:
        """An arrow beside a post."""
        assert _well(await self.post.post("/vote", data={"id": post_id, "type": number})).text == "OK"

    async def a_post(self, post_id: str) -> Answer:
        """What it asks for at the top of a post's page."""
        return dict(_well(await self.post.get(f"/post/{post_id}")).json())

    async def comments(self, post_id: str) -> list[Answer]:
        """What it asks for below a post."""
        return list(_well(await self.comment.get(f"/{post_id}/comments")).json())

    async def add_comment(self, post_id: str, **fields: str) -> None:
        """The form below a post."""
        form = {"name": "Ann", "email": "ann@example.org", "body": "Indeed.", "created_at": "1699999500"} | fields
        assert _well(await self.comment.post("/add_comment", data={"post_id": post_id, **form})).text == ""


def _well(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 200, answer.text
    return answer
