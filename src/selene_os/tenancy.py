"""A tenant's settings: which there are, what each takes, and the moment they make of a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timezone
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from selene_os.engines import nlp
from selene_os.errors import BadField, Fault
from selene_os.ledger.events import CONFIRM_WITHIN_S
from selene_os.names import check_count

SETTINGS: Final = ("currency", "time_policy", "date_order", "zone", "confirm_within_s")
CONFIRM_WITHIN_S_MAX: Final = 86_400
_ACCEPTED: Final = {
    "time_policy": ("ask", "next_occurrence"),
    "date_order": ("DMY", "MDY", "YMD"),
}
_NANOSECONDS: Final = 1_000_000_000


def moment_of(now: datetime | str | None, created_at: int, zone: str | None) -> datetime:
    """The moment of speaking with an offset: as given, or the clock in the tenant's zone."""
    given = now if isinstance(now, datetime) else nlp.decode_now(now)
    if given is not None:
        return in_zone(given, zone)
    moment = datetime.fromtimestamp(created_at // _NANOSECONDS, UTC)
    return moment if zone is None else moment.astimezone(_zone_info(zone))


def in_zone(moment: datetime, zone: str | None) -> datetime:
    """A moment by the clock of the tenant's zone where that shows the same offset, else by its own.

    A record tells a moment with its offset, and the zone beside it. What else a caller's moment
    knows, such as the summer time of another zone, must not decide what a replay cannot know.

    Raises:
        Fault: the zone is not known here.
    """
    offset = moment.utcoffset()
    if offset is None:
        # PH1.NLP says what is wrong with it.
        return moment
    if zone is not None:
        local = moment.astimezone(_zone_info(zone))
        if local.utcoffset() == offset:
            return local
    return moment.replace(tzinfo=timezone(offset))


def _zone_info(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Fault(f"the zone {zone!r:.60} is not known here", "Set the tenant's zone.") from error


def parse_setting(name: str, value: str | int | None) -> str | int | None:
    """A setting as the ledger keeps it; raises BadField for one that is not there, or not so.

    None takes a setting back.
    """
    if name not in SETTINGS:
        raise BadField(name[:64], "is no setting", "Set one of " + ", ".join(SETTINGS) + ".")
    if name == "confirm_within_s":
        return _parse_seconds(name, value)
    if value is None:
        return "ask" if name == "time_policy" else None
    if not isinstance(value, str):
        raise BadField(name, f"must be text, not {type(value).__name__}", "Give it as a string.")
    if name in _ACCEPTED and value not in _ACCEPTED[name]:
        raise BadField(name, "does not take that value", f"Give {' | '.join(_ACCEPTED[name])}.")
    if name == "currency":
        nlp.check_currency(name, value)
    if name == "zone":
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadField(name, "is no IANA time zone", "Give it like Europe/Berlin.") from error
    return value


def _parse_seconds(name: str, value: str | int | None) -> int:
    if value is None:
        return CONFIRM_WITHIN_S
    plain = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 9
    number = int(value) if plain or (isinstance(value, int) and value is not True) else 0
    return check_count(name, number, 1, CONFIRM_WITHIN_S_MAX)
