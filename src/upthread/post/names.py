"""The names of communities: when two of them are the same, and which words are in one."""

import re

_INNER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def folded(name: str) -> str:
    """The form in which names of communities are compared."""
    return name.lower()


def with_its_words(name: str) -> str:
    """A name together with the words that capitals show in it, so that it is found by either."""
    return f"{name} {_INNER_CAPITAL.sub(' ', name)}"
