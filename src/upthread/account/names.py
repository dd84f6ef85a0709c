"""Which names people can have, and when two of them are the same."""

import re

from upthread.account.model import NAME_PATTERN
from upthread.errors import Invalid

RESERVED = frozenset(
    {
        "abuse", "admin", "administrator", "anonymous", "automod", "automoderator", "contact", "deleted",
        "erased", "everyone", "guest", "help", "hostmaster", "info", "mod", "moderation", "moderator",
        "moderators", "mods", "nobody", "none", "null", "official", "operator", "owner", "postmaster",
        "removed", "root", "security", "site", "staff", "support", "sysadmin", "system", "team", "undefined",
        "unknown", "upthread", "webmaster", "you"
    }
)  # fmt: skip
"""Names that nobody can take, because they would pass for the site itself, or for no one."""


def fold(name: str) -> str:
    """The form in which names are compared: letters in one case."""
    return name.casefold()


def check_name(name: str) -> None:
    """Refuse a name that a new account can't have.

    Raises:
        Invalid: field name.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise Invalid("A name has 3 to 20 letters (a to z), digits, hyphens or underscores.", field="name")
    if fold(name) in RESERVED:
        raise Invalid("This name is kept for the site itself. Please choose another.", field="name")
