"""What of a service can be called from afar, and what stops the process from starting."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upthread.account.service import AccountService
from upthread.comment.service import CommentService
from upthread.post.service import PostService
from upthread.runtime.calls.methods import Method, describe, idempotent, service_name


class Thing(msgspec.Struct):
    inner: "list[Thing]"
    number: int = 0


class Loose(msgspec.Struct):
    inside: dict[str, Any]


class _NotAsync:
    def method(self) -> int:
        return 1


class _Stream:
    async def method(self) -> AsyncIterator[int]:
        yield 1


class _Attribute:
    limit = 5


class _Property:
    @property
    def method(self) -> int:
        return 1


class _Static:
    @staticmethod
    async def method(number: int) -> int:
        return number


class _Rest:
    async def method(self, *numbers: int) -> None: ...


class _Options:
    async def method(self, **options: int) -> None: ...


class _PositionOnly:
    async def method(self, number: int, /) -> None: ...


class _UntypedArgument:
    async def method(self, number) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001


class _UntypedAnswer:
    async def method(self):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return 1


class _AnyInside:
    async def method(self) -> list[Loose]:
        return []


class _BareList:
    async def method(self, numbers: list) -> None: ...  # type: ignore[type-arg]


class _Foreign:
    async def method(self, path: Path) -> None: ...


class _Ambiguous:
    async def method(self, thing: Thing | Loose) -> None: ...


class _UnknownType:
    async def method(self, thing: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


class _KeyedByStructure:
    async def method(self) -> dict[tuple[int, int], str]:
        return {}


@pytest.mark.parametrize(
    "service",
    [
        _NotAsync,
        _Stream,
        _Attribute,
        _Property,
        _Static,
        _Rest,
        _Options,
        _PositionOnly,
        _UntypedArgument,
        _UntypedAnswer,
        _AnyInside,
        _BareList,
        _Foreign,
        _Ambiguous,
        _KeyedByStructure,
    ],
)
def test_what_would_work_near_only_is_refused(service: type) -> None:
    """A method that could not be called from afar keeps the process from starting."""
    with pytest.raises(TypeError):
        describe(service)


def test_unknown_types_are_refused() -> None:
    """A misspelt type keeps the process from starting."""
    with pytest.raises(NameError):
        describe(_UnknownType)


class _Described:
    async def method(
        self, first: int, second: str = "two", *, third: bool = False, fourth: list[Thing] | None = None
    ) -> Thing:
        raise NotImplementedError

    @idempotent
    async def harmless(self) -> None: ...

    async def _private(self, anything) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001


def described(name: str) -> Method:
    """One of the methods above."""
    return {method.name: method for method in describe(_Described)}[name]


def test_private_methods_stay_private() -> None:
    """Only public methods can be called."""
    assert [method.name for method in describe(_Described)] == ["harmless", "method"]


def test_only_what_is_marked_is_idempotent() -> None:
    """A method counts as one that may be repeated only if that is declared."""
    assert described("harmless").idempotent
    assert not described("method").idempotent


@given(
    first=st.integers(),
    second=st.text(),
    third=st.booleans(),
    fourth=st.none() | st.lists(st.builds(Thing, st.just([]), st.integers())),
)
def test_arguments_arrive_as_they_were(first: int, second: str, third: bool, fourth: list[Thing] | None) -> None:  # noqa: FBT001 - drawn
    """Whatever the arguments, the other end gets the same, however they were passed."""
    method = described("method")
    arrived = method.decode_arguments(method.encode_arguments(first, second, fourth=fourth, third=third))
    assert msgspec.structs.asdict(arrived) == {"first": first, "second": second, "third": third, "fourth": fourth}


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ud800A", "\\ud800", "\ud800\U0001f9f5"])
def test_halves_of_characters_arrive(text: str) -> None:
    """Even what is no text gets to the service, which knows what to do about it."""
    method = described("method")
    arrived = method.decode_arguments(method.encode_arguments(10**40, text, fourth=[Thing([Thing([])])]))
    assert msgspec.structs.asdict(arrived) == {
        "first": 10**40,
        "second": text,
        "third": False,
        "fourth": [Thing([Thing([])])],
    }


@pytest.mark.parametrize("body", [b"", b"{", b'{"first": "1"}', b'{"first": 1, "second": "\\ud800}', b"\xff", b"[]"])
def test_what_is_no_call_is_a_value_error(body: bytes) -> None:
    """Bytes that make no arguments are refused as such."""
    with pytest.raises(ValueError, match=r".+"):
        described("method").decode_arguments(body)


def test_defaults_are_filled_in() -> None:
    """An argument that is left out has its default at the other end."""
    method = described("method")
    arrived = method.decode_arguments(method.encode_arguments(10**40))
    assert msgspec.structs.asdict(arrived) == {"first": 10**40, "second": "two", "third": False, "fourth": None}


@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1, "two", True), {}), ((1,), {"fifth": 5})])
def test_wrong_arguments_fail_as_they_do_near(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A call that does not fit the signature is the same TypeError as without a network."""
    with pytest.raises(TypeError):
        described("method").encode_arguments(*args, **kwargs)


@pytest.mark.parametrize("service", [PostService, CommentService, AccountService])
def test_the_services_can_be_called_from_afar(service: type) -> None:
    """Every method of the three services has types that tell all that goes in and comes out."""
    assert "check" in {method.name for method in describe(service)}
    assert service_name(service) in {"post", "comment", "account"}


@pytest.mark.parametrize(
    ("service", "once"),
    [
        (PostService, {"create_community", "submit"}),
        (CommentService, {"add"}),
        (AccountService, {"sign_up", "log_in", "end_sessions", "change_password", "delete_account"}),
    ],
)
def test_what_must_not_be_done_twice(service: type, once: set[str]) -> None:
    """A lost answer never makes a second post, comment or account: those calls are not made again by themselves."""
    assert {method.name for method in describe(service) if not method.idempotent} == once
