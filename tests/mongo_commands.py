"""What the driver is told to do in tests, and whether indexes serve it.

The rule here is the server's own: its planner takes an index whenever there is one whose first field the filter bounds,
or that has the order asked for, and scans the collection otherwise. So nothing has to be explained by the server, whose
answer for a handful of documents says little anyway.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

Document = Mapping[str, Any]


class Search(NamedTuple):
    """Documents looked for in a collection."""

    database: str
    collection: str
    filter: Document
    sort: Document

    def bounded(self) -> set[str]:
        """The fields of which an index may be the first to serve this."""
        return {*_bounded(self.filter), *list(self.sort)[:1]}


class Searches(CommandListener):
    """Remembers what was looked for, by whichever command."""

    def __init__(self) -> None:
        self.seen: list[Search] = []

    def started(self, event: CommandStartedEvent) -> None:
        """Take note of a command."""
        for collection, wanted, sort in _searches(event.command_name, event.command):
            self.seen.append(Search(event.database_name, collection, wanted, sort))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing of interest."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing of interest."""


def _searches(name: str, command: Document) -> Iterator[tuple[str, Document, Document]]:
    collection = command[name]
    match name:
        case "find":
            yield collection, command["filter"], command.get("sort", {})
        case "findAndModify":
            yield collection, command["query"], command.get("sort", {})
        case "update" | "delete":
            for each in command[f"{name}s"]:
                yield collection, each["q"], {}
        case "aggregate":
            yield from _of_pipeline(collection, command["pipeline"])


def _of_pipeline(collection: str, pipeline: Sequence[Document]) -> Iterator[tuple[str, Document, Document]]:
    stages = {key: value for stage in reversed(pipeline) for key, value in stage.items()}
    yield collection, stages.get("$match", {}), stages.get("$sort", {})
    for stage in pipeline:
        for name in ("$lookup", "$unionWith"):
            if name in stage:
                joined = stage[name]
                by_field = {joined["foreignField"]: 0} if "foreignField" in joined else {}
                for other, wanted, sort in _of_pipeline(
                    joined.get("from", joined.get("coll")), joined.get("pipeline", [])
                ):
                    yield other, {**by_field, **wanted}, sort


def _bounded(wanted: Document) -> Iterator[str]:
    for field, condition in wanted.items():
        if field == "$and":
            for each in condition:
                yield from _bounded(each)
        elif field == "$or":  # each branch needs an index, so only what all of them bound will do
            yield from set.intersection(*(set(_bounded(each)) for each in condition))
        elif field == "$expr":
            yield from (operand[1:] for operand in condition.get("$eq", []) if _is_field(operand))
        elif not (isinstance(condition, Mapping) and set(condition) <= {"$ne", "$nin", "$not", "$exists"}):
            yield field


def _is_field(operand: object) -> bool:
    return isinstance(operand, str) and operand.startswith("$") and not operand.startswith("$$")
