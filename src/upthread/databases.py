"""Where each service keeps its data, as the settings say: in a SQLite file, or in a MongoDB database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from msgspec import Struct

from upthread.errors import StartError
from upthread.settings import MONGODB_SCHEMES, SQLITE_SCHEME, Secret, Settings

Room = Literal["post", "comment", "account"]
ROOMS: tuple[Room, ...] = get_args(Room)


class MongoAddress(Struct, frozen=True):
    """A database on MongoDB."""

    url: Secret
    database: str
    variable: str
    """The setting that said so."""

    def __str__(self) -> str:
        """For people, without a password."""
        return f"the MongoDB database {self.database} on {urlsplit(self.url).netloc.rpartition('@')[2]}"


Place = Path | MongoAddress
"""A service's own database; a path is that of a SQLite file."""
Places = Mapping[Room, Place]


def file_in(data: Path, room: str) -> Path:
    """A service's SQLite file in the data folder."""
    return data / f"{room}.sqlite3"


def files_in(data: Path) -> Places:
    """All services' SQLite files in the data folder."""
    return {room: file_in(data, room) for room in ROOMS}


def places(settings: Settings) -> Places:
    """Where all services keep their data.

    Raises:
        StartError: the settings contradict each other.
    """
    return {room: place_of(room, settings) for room in ROOMS}


def place_of(room: Room, settings: Settings) -> Place:
    """Where a service keeps its data: where its own settings say, else where the one for all says, else in a file.

    Raises:
        StartError: the settings contradict each other.
    """
    prefix, database = room.upper(), getattr(settings, f"{room}_database")
    host, url = getattr(settings, f"{room}_database_host"), getattr(settings, f"{room}_database_url")
    if host and url:
        raise StartError("{room}_DATABASE_HOST and {room}_DATABASE_URL are both set; set one of them.", room=prefix)
    if host:
        port = getattr(settings, f"{room}_database_port")
        return _one_server(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", database, f"{prefix}_DATABASE_HOST")
    if url.startswith(SQLITE_SCHEME):
        return Path(url.removeprefix(SQLITE_SCHEME))
    if url:
        return MongoAddress(url, urlsplit(url).path.strip("/") or database, f"{prefix}_DATABASE_URL")
    if settings.database_url.startswith(MONGODB_SCHEMES):
        return MongoAddress(settings.database_url, database, "DATABASE_URL")
    if settings.database_url:
        return _one_server(settings.database_url, database, "DATABASE_URL")
    return file_in(settings.data, room)


def _one_server(authority: str, database: str, variable: str) -> MongoAddress:
    # Exactly this server: what it is called in its replica set is often no name that others can reach it by.
    return MongoAddress(Secret(f"mongodb://{authority}/?directConnection=true"), database, variable)
