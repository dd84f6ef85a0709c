"""The driver's client and databases as every service has them, whatever their address says."""

import warnings
from datetime import UTC
from typing import Any

from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.int64 import Int64
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from upthread.errors import StartError
from upthread.storage.mongo_pool import PoolFigures


class _PlainIntegers(TypeDecoder):
    """Makes all whole numbers ``int``: the driver gives those beyond 32 bits a type that nothing else can encode."""

    bson_type = Int64
    transform_bson = staticmethod(int)  # type: ignore[assignment]  # it takes more than it will be given


def connect(url: str, database: str, service: str) -> AsyncMongoClient[dict[str, Any]]:
    """The driver's client for this address, where there may be such a database; it connects when it is first used.

    Raises:
        StartError: the address or the name is not right.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # the driver ignores an option it doesn't understand
            client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                url,
                appname=f"upthread-{service}",
                event_listeners=[PoolFigures(service)],
                retryWrites=True,
                retryReads=True,
                connectTimeoutMS=2000,
                heartbeatFrequencyMS=2000,
            )
            client.get_database(database)  # which looks at the name
            return client
    except (PyMongoError, ValueError, UserWarning) as error:
        raise StartError(
            "The address of MongoDB for the {service} service is not right: {reason}.",
            service=service,
            reason=_without_password(url, error),
        ) from None


def own_database(client: AsyncMongoClient[dict[str, Any]], name: str) -> AsyncDatabase[dict[str, Any]]:
    """A service's own database, in which writes are a majority's and reads see them."""
    return client.get_database(
        name,
        codec_options=CodecOptions(tz_aware=True, tzinfo=UTC, type_registry=TypeRegistry([_PlainIntegers()])),
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern("majority", j=True),
        read_concern=ReadConcern("majority"),
    )


def _without_password(url: str, error: Exception) -> str:
    """What is wrong with the address; the driver quotes parts of it, so nothing of one with a password in it."""
    if "@" in url:
        return "it can't be read; a name and password in it have to be percent-encoded"
    return str(error).rstrip(".")
