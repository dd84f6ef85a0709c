"""The site's secret: given by a setting, or made at the first start and kept in the data folder."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from upthread.errors import StartError
from upthread.settings import SHORTEST_SECRET, Settings

FILE = "secret"
"""The file's name in the data folder. It can be read by its owner only."""


def site_secret(settings: Settings) -> bytes:
    """What signs the cookies of this site; the same each time, and for all processes on the same data folder.

    Raises:
        StartError: the file can't be made or read, or holds no secret.
    """
    if settings.secret:
        return settings.secret.encode()
    path = settings.data / FILE
    try:
        if not path.exists():
            _make(path)
        secret = path.read_bytes().strip()
    except OSError as error:
        raise StartError(
            "The site's secret in {path} can't be used: {reason}.", path=str(path), reason=error.strerror or str(error)
        ) from None
    if len(secret) < SHORTEST_SECRET:
        raise StartError("{path} holds no secret. Delete the file, and a new one is made.", path=str(path))
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under a name of its own and then linked, so that of several processes starting at once each finds
    # the same secret, and none an unfinished one.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
