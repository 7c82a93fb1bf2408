"""Moments on the wire: RFC 3339 in UTC to the nanosecond, and nanoseconds as digits.

JSON's numbers are doubles in most readers, exact up to 2**53; nanoseconds since 1970 are past that.
So each moment is told twice, as a text for people and as digits for programs.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from selene_os.errors import BadField
from selene_os.names import TIME_NS_MAX

_SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_DIGITS: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def rfc3339(at: int) -> str:
    """A moment, nanoseconds since 1970 UTC, as 2026-11-21T08:30:00.000000000Z."""
    seconds, nanoseconds = divmod(at, _SECOND)
    try:
        moment = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    except OverflowError:
        # A row may hold any 64 bits; there is no calendar for those behind the year 9999.
        return f"+{at}"
    return f"{moment}.{nanoseconds:09d}Z"


def told(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """The record, in which each of these moments stands as a text, and beside it in digits.

    Args:
        record: changed in place; its values under `names` are nanoseconds or None.
    """
    for name in names:
        at = record[name]
        record[name] = None if at is None else rfc3339(at)
        record[f"{name}_ns"] = None if at is None else str(at)
    return record


def nanoseconds(field: str, text: str) -> int:
    """The moment that a caller names: RFC 3339, or nanoseconds in digits. Raises BadField.

    A date alone is its first moment; without an offset it is UTC.
    """
    if _DIGITS.fullmatch(text) and int(text) <= TIME_NS_MAX:
        return int(text)
    found = _RFC3339.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        date, minutes, seconds, fraction, offset = found.groups()
        zone = "+00:00" if (offset or "Z") in "Zz" else offset
        moment = datetime.fromisoformat(f"{date}T{minutes or '00:00'}{seconds or ':00'}{zone}")
        since = moment - _EPOCH
    except (ValueError, OverflowError):
        raise _no_moment(field) from None
    at = (since.days * 86_400 + since.seconds) * _SECOND + int((fraction or "0").ljust(9, "0"))
    if not 0 <= at <= TIME_NS_MAX:
        raise _no_moment(field)
    return at


def _no_moment(field: str) -> BadField:
    return BadField(
        field, "is no moment from 1970 on", "Give 2026-01-31T09:00:00Z, or nanoseconds in digits."
    )
