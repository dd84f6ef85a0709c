"""What can be called of a service: its public methods, as their signatures describe them."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec import Struct
from msgspec import inspect as types

from upthread.runtime.calls.wire import decoder, encode

KEYS = (types.StrType, types.IntType, types.LiteralType, types.EnumType)
"""Types that the keys of a dict may have."""

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__idempotent__"


def idempotent(method: F) -> F:
    """Declare that doing this twice is as good as once, so that a call whose answer got lost is made again."""
    setattr(method, _MARK, True)
    return method


class Method(Struct, frozen=True, kw_only=True):
    """A method as both ends of a call see it."""

    name: str
    idempotent: bool
    signature: inspect.Signature
    """Without ``self``."""
    arguments: type[Struct]
    """Has a field for each parameter."""
    decode_arguments: Callable[[bytes], Struct]
    decode_answer: Callable[[bytes], Any]

    def encode_arguments(self, *args: Any, **kwargs: Any) -> bytes:
        """What was given in a call, with defaults filled in.

        Raises:
            TypeError: it does not fit the signature.
        """
        return encode(self.arguments(**self.signature.bind(*args, **kwargs).arguments))


def service_name(service: type) -> str:
    """What pages, logs and figures call it: ``PostService`` is "post"."""
    return service.__name__.removesuffix("Service").lower()


def describe(service: type) -> tuple[Method, ...]:
    """All that can be called of a service.

    Raises:
        TypeError: something public in it could not be called from afar: it is no async method, or its types do not
            tell what goes in and what comes out.
    """
    members = inspect.getmembers_static(service)
    return tuple(_method(service, name, member) for name, member in members if not name.startswith("_"))


def _method(service: type, name: str, member: Any) -> Method:
    place = f"{service.__name__}.{name}"
    if not inspect.iscoroutinefunction(member):
        raise TypeError(f"{place} is not an async method, so it can't be called from afar")
    signature = inspect.signature(member)
    _self, *parameters = signature.parameters.values()
    hints = get_type_hints(member, include_extras=True)
    for parameter in parameters:
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise TypeError(f"{place} takes {parameter}, which can't be passed by name")
        _check(f"{place}, {parameter.name}", hints.get(parameter.name, Any))
    answer = hints.get("return", Any)
    _check(f"{place}, its answer", answer)
    arguments = msgspec.defstruct(
        place,
        [_field(parameter, hints[parameter.name]) for parameter in parameters],
        kw_only=True,
    )
    return Method(
        name=name,
        idempotent=hasattr(member, _MARK),
        signature=signature.replace(parameters=parameters),
        arguments=arguments,
        decode_arguments=decoder(arguments),
        decode_answer=decoder(answer),
    )


def _field(parameter: inspect.Parameter, hint: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    needed = parameter.default is parameter.empty
    return (parameter.name, hint) if needed else (parameter.name, hint, parameter.default)


def _check(place: str, hint: Any) -> None:
    """See that JSON can hold a type's values, and that the type tells what they were: ``Any`` would make them dicts."""
    for part in _parts(types.type_info(hint), set()):
        if isinstance(part, types.AnyType | types.CustomType):
            raise TypeError(f"{place}: the type {hint} does not tell all that is in it")
        if isinstance(part, types.DictType) and not isinstance(part.key_type, KEYS):
            raise TypeError(f"{place}: {hint} has keys that can't be a JSON object's")


def _parts(described: types.Type, seen: set[int]) -> Iterator[types.Type]:
    """A type and all that it is made of, each once: a thread's node holds nodes."""
    if id(described) in seen:
        return
    seen.add(id(described))
    yield described
    for value in msgspec.structs.astuple(described):
        for part in value if isinstance(value, tuple) else (value,):
            inner = part.type if isinstance(part, types.Field) else part
            if isinstance(inner, types.Type):
                yield from _parts(inner, seen)
