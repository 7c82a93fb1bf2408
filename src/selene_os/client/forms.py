"""JSON to the classes of `answers`: what is missing is told, what is new is passed over."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
Reader = Callable[[Any], Any]


def read(kind: type[T], value: Any) -> T:
    """A value of a class. Raises ValueError: the JSON is not of that form, and where."""
    made: T = _of(kind)(value)
    return made


def _of(kind: Any) -> Reader:
    named: Hashable = kind
    return _reader(named)


@cache
def _reader(kind: Any) -> Reader:
    if kind is Any:
        return _same
    if dataclasses.is_dataclass(kind):
        return _object(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return _list(_of(arguments[0]))
    if origin in (types.UnionType, typing.Union):
        (inner,) = [one for one in arguments if one is not types.NoneType]
        return _optional(_of(inner))
    if origin is typing.Literal:
        return _of(type(arguments[0]))
    return _plain(dict if origin is Mapping else kind)


def _same(value: Any) -> Any:
    return value


def _plain(kind: Any) -> Reader:
    def of(value: Any) -> Any:
        # A bool is an int to Python, and not to JSON.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"is {type(value).__name__}, not {kind.__name__}")
        return value

    return of


def _optional(inner: Reader) -> Reader:
    return lambda value: None if value is None else inner(value)


def _list(inner: Reader) -> Reader:
    whole = _plain(list)
    return lambda value: tuple(inner(one) for one in whole(value))


def _object(kind: Any) -> Reader:
    hints = typing.get_type_hints(kind)
    fields = {one.name: _of(hints[one.name]) for one in dataclasses.fields(kind)}
    needed = {one.name for one in dataclasses.fields(kind) if one.default is dataclasses.MISSING}

    def of(value: Any) -> Any:
        given = _plain(dict)(value)
        if missing := sorted(needed - set(given)):
            raise ValueError(f"{kind.__name__} has no {missing[0]}")
        found = {}
        for name, reader in fields.items():
            if name in given:
                try:
                    found[name] = reader(given[name])
                except ValueError as error:
                    raise ValueError(f"{kind.__name__}.{name} {error}") from None
        return kind(**found)

    return of
