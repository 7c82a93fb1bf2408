"""What a request's headers say of it: the retry's key, its trace, its body, what is known of it."""

from __future__ import annotations

import re
from typing import Final

from selene_os.edges.http.auth import Headers
from selene_os.edges.http.problems import refused
from selene_os.errors import BadField

_TRACE: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_ENTITY: Final = re.compile(rb'(?:W/)?("[^"]*")')
_JSON: Final = re.compile(rb'application/json(\s*;\s*charset\s*=\s*"?utf-8"?)?', re.I)


def size_of(headers: Headers) -> int:
    """How many bytes they are."""
    return sum(len(name) + len(value) for name, value in headers)


def only(headers: Headers, name: bytes) -> bytes | None:
    """The value of a header, or None. Raises Refused: it stands there more than once."""
    found = [value for given, value in headers if given == name]
    if len(found) > 1:
        named = name.decode()
        raise refused("BadHeader", f"{named} stands there {len(found)} times.", "Send it once.")
    return found[0].strip(b" \t") if found else None


def idempotency_key(headers: Headers) -> str | None:
    """The retry's key: as it stands there, or the text of a quoted one. Raises BadField."""
    value = only(headers, b"idempotency-key")
    if value is None:
        return None
    if len(value) > 1 and value.startswith(b'"') and value.endswith(b'"'):
        value = value[1:-1]
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BadField("idempotency_key", "is no UTF-8", "Send ASCII, or UTF-8.") from None


def parent(headers: Headers) -> tuple[str, str] | None:
    """Trace and span of a traceparent; None where there is none that can be read, as W3C says."""
    found = [value for name, value in headers if name == b"traceparent"]
    parsed = _TRACE.fullmatch(found[0].strip()) if len(found) == 1 else None
    if parsed is None or not parsed[1].strip(b"0") or not parsed[2].strip(b"0"):
        return None
    return parsed[1].decode(), parsed[2].decode()


def content_length(headers: Headers) -> int | None:
    """How long the body says it is; None where it does not. Raises Refused."""
    value = only(headers, b"content-length")
    if value is None:
        return None
    if not value.isdigit() or len(value) > 18:
        raise refused("BadHeader", "content-length is no number.", "Send the body's bytes.")
    return int(value)


def has_body(headers: Headers) -> bool:
    """Whether a body follows, which nobody may have read when the answer is sent."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" 0"))
        for name, value in headers
    )


def check_json(headers: Headers) -> None:
    """Raises Refused where the body is not what is accepted."""
    kind = only(headers, b"content-type")
    if kind is None or not _JSON.fullmatch(kind):
        raise refused("MediaTypeRefused", "JSON is accepted.", "Send application/json.")
    encoding = only(headers, b"content-encoding")
    if encoding is not None and encoding.lower() not in (b"", b"identity"):
        raise refused("MediaTypeRefused", "It comes encoded.", "Send it as it is.")


def knows(headers: Headers, tag: bytes) -> bool:
    """Whether the caller has what this ETag is of, by If-None-Match."""
    for name, value in headers:
        if name == b"if-none-match" and (
            value.strip() == b"*" or tag in (one[1] for one in _ENTITY.finditer(value))
        ):
            return True
    return False
