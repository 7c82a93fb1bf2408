"""What a request is before it is sent: no network, no clock, nothing at random."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Generic, Literal, ParamSpec, Protocol, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
# As the server reads it: what it passes over must not name a conversation here.
_TRACE: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)


class Unset(Enum):
    """What stands for "not named", where None says something."""

    UNSET = "UNSET"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """One request.

    Attributes:
        operation: its operationId.
        path: segments below the tenant's room; of what needs no key, below the server.
        kind: what it is answered: a class of `answers`, str or bytes.
        makes_key: gets an Idempotency-Key where it has none.
        repeatable: sent a second time it does nothing more, and is answered alike.
        once: never sent again: whoever asks wants to know how it is now.
    """

    operation: str
    method: str
    path: tuple[str, ...]
    kind: type[T]
    query: Mapping[str, str]
    body: Mapping[str, Any] | None
    idempotency_key: str | None = None
    traceparent: str | None = None
    makes_key: bool = False
    repeatable: bool = True
    once: bool = False
    needs_key: bool = True

    def keyed(self, fresh: Callable[[], str]) -> Ask[T]:
        """The request with a key made for it, where it needs one; the same in every attempt.

        A request that names conversation and turn is a retry of its like by that alone; another
        key would make two of a program that runs twice.
        """
        if not self.makes_key or self.idempotency_key is not None or self.body is None:
            return self
        if "decisions" in self.body:
            # Each item by itself: a key for all would take away what those have that name a turn.
            made = fresh()
            items = [
                _item(one, f"{made}:{number}") for number, one in enumerate(self.body["decisions"])
            ]
            return replace(self, body={**self.body, "decisions": items})
        return self if _names_turn(self.body) else replace(self, idempotency_key=fresh())


def ask(
    operation: str,
    method: str,
    path: tuple[str, ...],
    kind: type[T],
    *,
    query: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
    traceparent: str | None = None,
    makes_key: bool = False,
    repeatable: bool = True,
) -> Ask[T]:
    """A request of these parts; what was not given is left out."""
    asked = {name: _text(value) for name, value in (query or {}).items() if _is_given(value)}
    sent = None if body is None else _body(body, clears=method == "PATCH")
    trace = _TRACE.fullmatch(traceparent or "")
    if trace and sent is not None and "correlation_id" in (body or {}) and idempotency_key is None:
        # Named here, since a key that is made for the retry would name the conversation instead.
        sent.setdefault("correlation_id", trace[1])
    return Ask(
        operation, method, path, kind, asked, sent, idempotency_key, traceparent, makes_key,
        repeatable,
    )  # fmt: skip


def _body(given: Mapping[str, Any], *, clears: bool) -> dict[str, Any]:
    left_out = (UNSET,) if clears else (None, ())
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if not any(value is one or (one == () and value == ()) for one in left_out)
    }


def _is_given(value: Any) -> bool:
    return value is not None and value is not False


def _text(value: Any) -> str:
    return "true" if value is True else str(value)


def _names_turn(item: Mapping[str, Any]) -> bool:
    return item.get("correlation_id") is not None and item.get("turn_id") is not None


def _item(one: Any, key: str) -> Any:
    if not isinstance(one, Mapping) or one.get("idempotency_key") is not None or _names_turn(one):
        return one
    return {**one, "idempotency_key": key}


# ---- pages


class Page(Protocol):
    """An answer that may have one behind it."""

    @property
    def next_cursor(self) -> str | None: ...


PageT = TypeVar("PageT", bound=Page)


@dataclass(frozen=True, slots=True)
class Pages(Generic[PageT, T]):
    """Requests for page after page, and what stands on each."""

    first: Ask[PageT]
    items: Callable[[PageT], Sequence[T]]

    def behind(self, page: PageT) -> Ask[PageT] | None:
        """The request for the next page; None behind the last one."""
        if page.next_cursor is None:
            return None
        return replace(self.first, query={**self.first.query, "cursor": page.next_cursor})

    def on(self, page: PageT) -> Iterator[T]:
        """What stands on a page."""
        return iter(self.items(page))


def paged(
    build: Callable[P, Ask[PageT]], items: Callable[[PageT], Sequence[T]]
) -> Callable[P, Pages[PageT, T]]:
    """What builds the requests for every page, of what builds the one for the first."""

    def every(*args: P.args, **kwargs: P.kwargs) -> Pages[PageT, T]:
        return Pages(build(*args, **kwargs), items)

    every.__doc__ = f"{build.__doc__}\n\n    Every one, page by page, as they are taken."
    return every


# ---- what needs no key


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a server says of itself: alive or ready."""

    status: Literal["alive", "ready"]


def is_alive() -> Ask[Health]:
    """Ask whether the process lives. Raises where it does not answer."""
    return _health("isAlive", "healthz")


def is_ready() -> Ask[Health]:
    """Ask whether the ledger can be worked with. Raises Fault: why it cannot."""
    return _health("isReady", "readyz")


def _health(operation: str, path: str) -> Ask[Health]:
    return Ask(operation, "GET", (path,), Health, {}, None, once=True, needs_key=False)
