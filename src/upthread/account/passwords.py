"""Passwords: which ones will do, and their argon2id hashes, made off the event loop by a bounded few threads."""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from upthread.account.names import fold
from upthread.errors import Invalid, RateLimited

T = TypeVar("T")

SHORTEST, LONGEST = 8, 200
"""Characters of a password (so at most 800 bytes)."""
AT_ONCE = 2
"""Hashes made at the same time in one process. Each takes 64 MiB and, on several cores, a fifth of a second."""
WAITING = 20
"""Hashes that may wait for their turn: about two seconds' worth. More are refused rather than kept waiting."""
BUSY_PAUSE = 5
"""Seconds after which those are told to come back."""


def check_password(password: str, name: str, field: str = "password") -> None:
    """Refuse a new password that won't do. ``field`` is the form field to mark.

    Raises:
        Invalid: it is too short, too long, or the name.
    """
    if len(password) < SHORTEST:
        raise Invalid("A password has at least {limit} characters.", field=field, limit=SHORTEST)
    if len(password) > LONGEST:
        raise Invalid("A password has at most {limit} characters.", field=field, limit=LONGEST)
    if fold(password) == fold(name):
        raise Invalid("The password can't be the name.", field=field)


class Passwords:
    """Makes and checks argon2id hashes.

    Args:
        parameters: the cost; unless given, the second recommended option of RFC 9106, section 4 (64 MiB, 3 passes).
    """

    def __init__(self, parameters: argon2.Parameters = argon2.profiles.RFC_9106_LOW_MEMORY) -> None:
        self._hasher = argon2.PasswordHasher.from_parameters(parameters)
        self._nobodys = _unmatchable(parameters)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password")
        self._under_way = 0

    async def hash(self, password: str) -> str:
        """The hash to keep, with its salt and parameters.

        Raises:
            RateLimited: too many others wait already.
        """
        return await self._run(lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, password: str, kept: str | None) -> bool:
        """Whether the password is the one with this hash. Without a hash the answer is no, and takes as long.

        Raises:
            RateLimited: too many others wait already.
        """
        if len(password) > LONGEST:  # never a password of ours, and no reason to hash a megabyte
            password, kept = "", None
        return await self._run(lambda: self._matches(kept or self._nobodys, password))

    def outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(kept)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= AT_ONCE + WAITING:
            raise RateLimited(
                "Too many people are signing in just now. Try again in {retry_after} s.", retry_after=BUSY_PAUSE
            )
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._under_way -= 1


def _bytes(password: str) -> bytes:
    # The same key on two keyboards may send "é" as one character or as two; RFC 8265 takes NFC.
    return unicodedata.normalize("NFC", password).encode()


def _unmatchable(parameters: argon2.Parameters) -> str:
    """A hash that costs as much to check as any other and that no password has, save by guessing all its bits."""

    def noise(size: int) -> str:
        return base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")

    cost = f"m={parameters.memory_cost},t={parameters.time_cost},p={parameters.parallelism}"
    return f"$argon2id$v={parameters.version}${cost}${noise(parameters.salt_len)}${noise(parameters.hash_len)}"
