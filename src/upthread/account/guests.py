"""People without an account: how they are told apart, and what is taken over of what they say about themselves."""

import secrets

from upthread.account.model import Actor

IDS = 2**53 - 1
"""Guests are told apart by random numbers up to this one: exact in JSON, and two guests never meet in practice."""
NAME_LIMIT = 40
"""Characters of a guest's name."""
EMAIL_LIMIT = 200
"""Characters of a guest's e-mail address."""


def new_guest() -> Actor:
    """Somebody without an account, told apart from other guests by a random number below zero."""
    return Actor(id=-1 - secrets.randbelow(IDS), name="")


def introduced(guest: Actor, name: str, email: str) -> Actor:
    """The guest under this name and address, as far as they can be seen and are no longer than others'."""
    return Actor(id=guest.id, name=_seen(name)[:NAME_LIMIT], email=_seen(email)[:EMAIL_LIMIT])


def _seen(typed: str) -> str:
    """A text on one line, of characters that can be seen: others could turn round the rest of the line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in typed).split())
