"""A community with one of everything in it, so that every page of the site has something to show."""

import re
from dataclasses import dataclass
from typing import Any

from tests.browser.visitor import Visitor

TEXT = """A *shuttle* carries the weft through the shed. See [the parts](https://example.org/parts), `heddle` and:

> Cloth is made of two threads that cross.

1. Warp
2. Weft

| Part | Made of |
|---|---|
| shuttle | boxwood, andaverylongwordwithoutanyplacetobreakitwhichphonescannotshowinoneline |
"""


@dataclass(frozen=True)
class Furnished:
    """What is there: names and numbers to put into addresses, and the two people's cookies."""

    names: dict[str, str]
    cookies: list[Any]
    """Of the person who owns most of it."""
    others_cookies: list[Any]

    def at(self, path: str) -> str:
        """An address with the names of this site."""
        return path.format(**self.names)


def number(path: str) -> str:
    """The number of the post or comment that an address ends with."""
    return str(re.findall(r"\d+", path)[-1])


def comment_on(visitor: Visitor, post: str, body: str, parent: str = "") -> str:
    """Write a comment; its number."""
    return number(visitor.send(f"/post/{post}/comment", body=body, parent=parent))


def furnish(owner: Visitor, other: Visitor) -> Furnished:
    """Let two people make one of everything."""
    owner.send(
        "/communities/new",
        name="weaving",
        title="Weaving",
        description="Looms, *threads* and what comes of them.",
        rules="1. Show your work.\n2. Name your yarn.",
    )
    owner.send("/communities/new", name="empty_room", title="An empty room")
    owner.send("/settings/profile", bio="I weave **tea towels**. Ask @" + other.name + " about wool.")
    made = {
        name: number(owner.send("/new", community="weaving", **fields))
        for name, fields in {
            "post": {"title": "How a shuttle works", "text": TEXT, "flair": "Question"},
            "link": {"title": "A loom in pictures", "link": "https://example.org/loom"},
            "deleted": {"title": "Not for long", "text": "Soon gone."},
            "locked": {"title": "Closed for the night", "text": "Good night.", "nsfw": "1"},
        }.items()
    }
    post = made["post"]
    made["comment"] = comment_on(other, post, "A shuttle should be *lighter* than that.")
    made["reply"] = comment_on(owner, post, "Lighter ones jump out of the shed.", made["comment"])
    answer = made["reply"]
    for author in (other, owner, other, owner, other, owner, other, owner):
        answer = comment_on(author, post, "Deeper and deeper into the shed.", answer)
    made["deleted_comment"] = comment_on(other, post, "I take that back.")
    comment_on(owner, post, "Too late, I have answered.", made["deleted_comment"])
    comment_on(other, made["link"], "Is that yours?")
    comment_on(other, post, f"Boxwood it is, as @{owner.name} says.", made["comment"])
    made["own_comment"] = comment_on(owner, made["link"], "It is.")

    other.send(f"/comment/{made['deleted_comment']}/delete")
    other.send(f"/comment/{made['comment']}/edit", body="A shuttle should be **heavier** than that.")
    owner.send(f"/comment/{made['own_comment']}/edit", body="It was.")
    owner.send(f"/post/{post}/edit", title="How a flying shuttle works", text=TEXT + "\nThe *flying* one.")
    owner.send(f"/post/{made['deleted']}/delete")
    owner.send(f"/post/{made['locked']}/lock", value="1")
    owner.send(f"/post/{post}/save", value="1")
    owner.send(f"/comment/{made['comment']}/save", value="1")
    owner.send(f"/post/{made['locked']}/hide", value="1")
    owner.send("/c/weaving/subscribe", value="1")
    other.send(f"/post/{post}/vote/1")
    owner.open_until("/inbox", "mentioned you")
    return Furnished(
        names=made | {"community": "weaving", "empty": "empty_room", "owner": owner.name, "other": other.name},
        cookies=list(owner.context.cookies()),
        others_cookies=list(other.context.cookies()),
    )
