"""Looks after the databases of the tests: empties and drops them, and tells what was looked for without an index."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import pymongo

from tests.mongo_commands import Searches
from upthread.storage.mongo import MIGRATIONS


class Operator:
    """A connection of its own, open until the end of the ``with``."""

    def __init__(self, url: str, searches: Searches) -> None:
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url)
        self._searches = searches

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    @contextmanager
    def watching(self, prefix: str) -> Iterator[None]:
        """Fail after the block if in a database so named something was looked for without an index."""
        self._searches.seen.clear()
        yield
        seen = [search for search in self._searches.seen if search.database.startswith(prefix)]
        first_fields = {
            (name, collection): {"_id"}.union(*(list(index["key"])[:1] for index in indexes))
            for name, collection in {(search.database, search.collection) for search in seen}
            for indexes in [self._client[name][collection].list_indexes()]
        }
        scans = [search for search in seen if not search.bounded() & first_fields[search.database, search.collection]]
        assert not scans, f"looked for without an index: {scans}"

    def empty(self, prefix: str) -> None:
        """Take every document out of these databases but the notes of which migrations were run."""
        for name in self._names(prefix):
            for collection in self._client[name].list_collection_names():
                if collection != MIGRATIONS:
                    self._client[name][collection].delete_many({})

    def drop(self, prefix: str) -> None:
        """Remove these databases."""
        for name in self._names(prefix):
            self._client.drop_database(name)

    def _names(self, prefix: str) -> list[str]:
        return [name for name in self._client.list_database_names() if name.startswith(prefix)]
