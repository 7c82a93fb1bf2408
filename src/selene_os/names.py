"""Names of things: a type and a parser each.

A name is parsed once, at the edge where it enters; behind it the type says that it was. Every
parser takes what a caller gave and returns the same text, or raises `BadField` with the field, the
limit and what to do next. Source: docs/spec/000 §4 and 002 §4; bounds of the public Rust
implementation of the same specifications.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NewType, TypeVar

from selene_os.errors import BadField

T = TypeVar("T")

TenantId = NewType("TenantId", str)
UserId = NewType("UserId", str)
DeviceId = NewType("DeviceId", str)
SessionId = NewType("SessionId", str)
CorrelationId = NewType("CorrelationId", str)
TurnId = NewType("TurnId", int)
EventId = NewType("EventId", str)
IdempotencyKey = NewType("IdempotencyKey", str)
TraceId = NewType("TraceId", str)

TENANT_ID_BYTES_MAX: Final = 64
USER_ID_BYTES_MAX: Final = 128
DEVICE_ID_BYTES_MAX: Final = 128
SESSION_ID_BYTES_MAX: Final = 128
IDEMPOTENCY_KEY_BYTES_MAX: Final = 128
TURN_ID_MAX: Final = 2**31 - 1
TIME_NS_MAX: Final = 2**63 - 1

_TENANT = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_CORRELATION = re.compile(r"[0-9a-f]{32}", re.ASCII)
_EVENT = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII
)
# C0, DEL, C1, line and paragraph separators, and halves of surrogate pairs, which no UTF-8 holds.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def check_text(field: str, value: object, bytes_max: int, bytes_min: int = 1) -> str:
    """Return `value` if it is text of `bytes_min` to `bytes_max` UTF-8 bytes, free of controls.

    Args:
        field: the name that an error gives.
        value: what the caller gave.
        bytes_max: the longest accepted, in bytes of UTF-8.
        bytes_min: the shortest accepted, in bytes of UTF-8.

    Raises:
        BadField: it is no text, holds a control character, or is too short or too long.
    """
    if not isinstance(value, str):
        raise BadField(field, f"must be text, not {type(value).__name__}", "Give it as a string.")
    if found := _CONTROL.search(value):
        raise BadField(
            field,
            f"holds the control character U+{ord(found[0]):04X} at {found.start()}",
            "Take control characters out.",
        )
    size = len(value) if value.isascii() else len(value.encode())
    if not bytes_min <= size <= bytes_max:
        raise BadField(
            field,
            f"is {size} bytes of UTF-8; {bytes_min} to {bytes_max} are accepted",
            "Give a shorter one." if size > bytes_max else "Give one that is not empty.",
        )
    return value


def check_count(field: str, value: object, least: int, most: int) -> int:
    """Return `value` if it is an integer from `least` to `most`.

    Raises:
        BadField: it is no integer (a bool is none), or outside the limits.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadField(field, f"must be an integer, not {type(value).__name__}", "Give a number.")
    if not least <= value <= most:
        # Python does not write out a number of thousands of digits.
        shown = value if value.bit_length() <= 64 else f"a number of {value.bit_length()} bits"
        raise BadField(field, f"is {shown}; {least} to {most} are accepted", "Give another one.")
    return value


def check_each(field: str, given: object, kind: type[T]) -> tuple[T, ...]:
    """Return what was given as a tuple if each of it is of a kind; raises BadField."""
    named = kind.__name__
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise BadField(
            field, f"must be a list of {named}, not {type(given).__name__}", "Give a list."
        )
    listed = tuple(given)
    for one in listed:
        if not isinstance(one, kind):
            raise BadField(
                field, f"holds a {type(one).__name__}, which is no {named}", f"Build a {named}."
            )
    return listed


def parse_tenant_id(value: object) -> TenantId:
    """Parse a tenant's name: 1 to 64 of A-Z a-z 0-9 _ . - ; raises BadField."""
    text = check_text("tenant_id", value, TENANT_ID_BYTES_MAX)
    if not _TENANT.fullmatch(text):
        raise BadField(
            "tenant_id", "may hold only A-Z a-z 0-9 _ . -", "Choose a name of these characters."
        )
    return TenantId(text)


def parse_user_id(value: object, field: str = "user_id") -> UserId:
    """Parse a user's name: 1 to 128 bytes, no control characters; raises BadField."""
    return UserId(check_text(field, value, USER_ID_BYTES_MAX))


def parse_device_id(value: object, field: str = "device_id") -> DeviceId:
    """Parse a device's name: 1 to 128 bytes, no control characters; raises BadField."""
    return DeviceId(check_text(field, value, DEVICE_ID_BYTES_MAX))


def parse_session_id(value: object, field: str = "session_id") -> SessionId:
    """Parse a session's name: 1 to 128 bytes, no control characters; raises BadField."""
    return SessionId(check_text(field, value, SESSION_ID_BYTES_MAX))


def parse_idempotency_key(value: object) -> IdempotencyKey:
    """Parse a retry's key: 1 to 128 bytes, no control characters; raises BadField."""
    return IdempotencyKey(check_text("idempotency_key", value, IDEMPOTENCY_KEY_BYTES_MAX))


def parse_correlation_id(value: object) -> CorrelationId:
    """Parse the name of one conversation: 128 bits as 32 lower-case hex digits, not all zero.

    A W3C trace id is one, so that a conversation can be found by its trace. Raises BadField.
    """
    step = "Leave it out to have one made, or give a W3C trace id."
    return CorrelationId(_hexadecimal("correlation_id", value, step))


def parse_trace_id(value: object) -> TraceId:
    """Parse a W3C trace id: 32 lower-case hex digits, not all zero; raises BadField."""
    return TraceId(_hexadecimal("trace_id", value, "Leave it out, or give a W3C trace id."))


def _hexadecimal(field: str, value: object, next_step: str) -> str:
    if (
        not isinstance(value, str)
        or not _CORRELATION.fullmatch(value)
        or value == "00000000000000000000000000000000"
    ):
        raise BadField(field, "must be 32 lower-case hexadecimal digits, not all zero", next_step)
    return value


def parse_turn_id(value: object) -> TurnId:
    """Parse a turn's number: an integer from 1; raises BadField."""
    return TurnId(check_count("turn_id", value, 1, TURN_ID_MAX))


def parse_event_id(value: object, field: str = "event_id") -> EventId:
    """Parse an event's name: a UUID of version 7 in lower case; raises BadField."""
    if not isinstance(value, str) or not _EVENT.fullmatch(value):
        raise BadField(
            field, "must be a UUID of version 7, in lower case", "Copy it from a receipt."
        )
    return EventId(value)


def parse_time_ns(value: object, field: str = "created_at") -> int:
    """Parse a time: integer nanoseconds since 1970-01-01 UTC, not negative; raises BadField."""
    return check_count(field, value, 0, TIME_NS_MAX)


def event_id_of(time_ns: int, random_bits: int) -> EventId:
    """Make the UUID of version 7 for one moment.

    Args:
        time_ns: nanoseconds since 1970 UTC; 48 bits of milliseconds are kept, and 12 bits of the
            fraction behind them, so that ids sort by time to a quarter of a microsecond.
        random_bits: at least 62 random bits, of which 62 are kept.

    Source: RFC 9562 §5.7 and §6.2, method 3.
    """
    millis, rest = divmod(time_ns, 1_000_000)
    fraction = (rest << 12) // 1_000_000
    value = (millis & (2**48 - 1)) << 80 | 0x7 << 76 | fraction << 64 | 0x2 << 62
    return _event_id(value | (random_bits & (2**62 - 1)))


def moment_of_event(event_id: EventId) -> int:
    """When an event's id was made, to the millisecond: nanoseconds since 1970 UTC."""
    return int(event_id[:8] + event_id[9:13], 16) * 1_000_000


def event_id_after(made: EventId, last: EventId) -> EventId:
    """An id that sorts behind `last`: `made`, or one a step behind `last` with made's random bits.

    What follows another decision sorts behind it, whatever the two writers' clocks say.
    """
    if made > last:
        return made
    before, mine = (int(one.replace("-", ""), 16) for one in (last, made))
    moment = (before >> 80 << 12 | before >> 64 & 0xFFF) + 1
    value = moment >> 12 << 80 | 0x7 << 76 | (moment & 0xFFF) << 64 | mine & (2**64 - 1)
    return _event_id(value)


def _event_id(value: int) -> EventId:
    digits = f"{value:032x}"
    return EventId(f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}")
