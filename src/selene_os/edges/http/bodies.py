"""Bodies: read with a limit and a deadline, and parsed so that two readers cannot disagree."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from selene_os.edges.http.problems import Refused, refused

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
JSON_DEPTH_MAX: Final = 32


class Gone(Exception):
    """The caller went away before the body was whole."""


async def read(receive: Receive, bytes_max: int) -> bytes:
    """A request's body. Raises Refused: it is too large. Gone: nobody waits for an answer."""
    message = await receive()
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise Gone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise too_large(bytes_max)
        if not message.get("more_body", False):
            return b"".join((*parts, part)) if parts else part
        parts.append(part)
        message = await receive()


def too_large(bytes_max: int) -> Refused:
    """The refusal of a body that is too large."""
    return refused("BodyTooLarge", f"{bytes_max} bytes are accepted.", "Send less at a time.")


def parse(body: bytes) -> Any:
    """The one value of a JSON text.

    Refused is what another reader may read otherwise: a key that stands there twice, NaN, an
    encoding other than UTF-8; and what is nested deeper than anything that is accepted.

    Raises:
        Refused: saying what is wrong, never with a part of the text.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _bad(f"It is no UTF-8 at byte {error.start}.") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise _bad(f"It ends, or goes wrong, at character {error.pos}.") from None
    except ValueError as error:
        if isinstance(error, _Ambiguous):
            raise _bad(str(error)) from None
        raise _bad("It holds a number of thousands of digits.") from None
    if body.count(b"{") + body.count(b"[") > JSON_DEPTH_MAX:
        _check_depth(value)
    return value


class _Ambiguous(ValueError):
    """What readers of JSON read in several ways."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Ambiguous("An object has the same key twice.")
    return made


def _constant(name: str) -> None:
    raise _Ambiguous(f"{name} is no JSON.")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(JSON_DEPTH_MAX):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
        if not inner:
            return
        level = inner
    if any(isinstance(one, dict | list) for one in level):
        raise _too_deep()


def _too_deep() -> Refused:
    return _bad(f"It is nested more than {JSON_DEPTH_MAX} deep.")


def _bad(detail: str) -> Refused:
    return refused("BadJson", detail, "Send one JSON object in UTF-8, each key once.")
