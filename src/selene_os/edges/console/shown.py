"""How values look on a page: hidden characters written out, moments, evidence marked, cells safe.

Templates escape every text; what is made here as markup is escaped here, piece by piece.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from markupsafe import Markup, escape

from selene_os.reasons import MEANINGS, ReasonCode

# Controls, and what turns, joins or hides text; a line's end and a tabulator are shown as such.
HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_FORMULA: Final = re.compile(r"[=+\-@\t\r\n]")
_NANOSECONDS: Final = 1_000_000_000
_SHOWN_MAX: Final = 4_096
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))

DECISION_TITLES: Final = {
    "INTENT_DRAFT": "A request was understood",
    "CLARIFY": "A question was asked back",
    "CHAT": "Nothing was asked for",
    "CONFIRMED": "The user said yes",
    "DECLINED": "The user said no",
    "CHANGED": "The user wanted it otherwise",
    "PROFILE": "A tone and delivery were chosen",
    "ERASED": "A user’s words were erased",
    "HELD": "A legal hold began",
    "RELEASED": "A legal hold ended",
}
DECISION_WORDS: Final = {
    "INTENT_DRAFT": "Intent",
    "CLARIFY": "Clarify",
    "CHAT": "Chat",
    "CONFIRMED": "Confirmed",
    "DECLINED": "Declined",
    "CHANGED": "Changed",
    "PROFILE": "Profile",
    "ERASED": "Erased",
    "HELD": "Held",
    "RELEASED": "Released",
}


def visible(given: object) -> Markup:
    """A text with what hides in it written out, apart from the text around it.

    A long one is cut, and says so.
    """
    text = given if isinstance(given, str) else compact(given)
    cut = len(text) - _SHOWN_MAX
    parts = Markup("")
    at = 0
    for found in HIDDEN.finditer(text[:_SHOWN_MAX]):
        spelt = Markup('<span class="hidden-char">\\u{%s}</span>') % f"{ord(found[0]):04x}"
        parts += escape(text[at : found.start()]) + spelt
        at = found.end()
    parts += escape(text[at:_SHOWN_MAX])
    if cut > 0:
        parts += Markup('<span class="hidden-char">… %s more characters</span>') % cut
    return Markup("<bdi>%s</bdi>") % parts


def word(given: object) -> Markup:
    """A name of a program's, which may go on in the next line behind its marks alone."""
    told = visible(given)
    for mark in "_.:":
        told = told.replace(mark, Markup("{}<wbr>").format(mark))
    return told


def compact(value: object) -> str:
    """A value as one line of JSON, or as it is where it is a text."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def meant(value: object) -> str:
    """A field's value as people say it: an amount with its currency, parts by their names."""
    if isinstance(value, dict):
        if value.keys() == {"amount", "currency"}:
            return f"{value['amount']} {value['currency']}"
        return ", ".join(f"{key} {meant(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(meant, value))
    return compact(value)


def heard(field: dict[str, Any]) -> str:
    """What a field means: its value, or what it could be where that is more than one thing."""
    readings = field.get("readings")
    if field.get("value") is not None:
        return meant(field["value"])
    if not isinstance(readings, list) or len(readings) < 2:
        return "not settled"
    told = [_reading(one) for one in readings]
    days = {one.partition("T")[0] for one in told}
    if len(days) == 1 and all("T" in one for one in told):
        # The day once, behind the times of day.
        clocks = [one.partition("T")[2] for one in told]
        return f"several readings: {' or '.join(clocks)} on {days.pop()}"
    return "several readings: " + " or ".join(told)


def _reading(reading: object) -> str:
    if isinstance(reading, dict) and "start" in reading:
        end = reading.get("end")
        return f"{reading['start']} to {end}" if end else str(reading["start"])
    return meant(reading)


def pretty(value: object) -> Markup:
    """A value as JSON over several lines, every character that hides written out."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    spelt = HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return escape(spelt)


def moment(at: int | None, digits: int = 3) -> str:
    """A moment in UTC, as 2026-11-21 09:30:00.000."""
    if at is None:
        return ""
    seconds, rest = divmod(int(at), _NANOSECONDS)
    try:
        found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return f"{at} ns"
    told = found.replace(tzinfo=None).isoformat(" ")
    return f"{told}.{f'{rest:09}'[:digits]}"


def edge(at: int) -> str:
    """Where a stretch begins or ends: to the minute where it does so on one."""
    told = moment(at)
    return told.removesuffix(":00.000")


def iso(at: int) -> str:
    """A moment for programs, to the nanosecond."""
    return moment(at, 9).replace(" ", "T") + "Z"


def number(value: int) -> str:
    """A number with its thousands apart."""
    return f"{value:,}".replace(",", "\u202f")


def lasting(stretch: int) -> str:
    """How long a stretch of nanoseconds is, in its two largest units: 3 h, 2 d 12 h."""
    seconds, units = stretch // _NANOSECONDS, []
    for name, long in _UNITS:
        count, seconds = divmod(seconds, long)
        if count:
            units.append(f"{count} {name}")
    return " ".join(units[:2]) or "less than 1 s"


def milliseconds(given: float | None) -> str:
    """A time that was estimated, with its unit."""
    return "–" if given is None else f"{given:.1f} ms"


def share(part: int, whole: int) -> str:
    """A share in percent."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def meaning_of(reason: str) -> str:
    """What a reason code means, in a sentence."""
    code = ReasonCode.__members__.get(reason)
    return MEANINGS[code] if code else "This version does not know the code."


def marked(text: str | None, spans: Iterable[Any]) -> Markup:
    """What was said, with the words that fields were read from marked, each with its field's name.

    Args:
        text: what was said.
        spans: of {key, start, end}; those that overlap or stand outside are left out.
    """
    if text is None:
        return Markup("")
    parts, at = Markup(""), 0
    for start, end, key in sorted(_spans(text, spans)):
        if start < at:
            continue
        parts += visible(text[at:start])
        parts += Markup('<mark title="%s">%s<span class="mark-key"> %s</span></mark>') % (
            key,
            visible(text[start:end]),
            visible(key),
        )
        at = end
    return parts + visible(text[at:])


def _spans(text: str, spans: Iterable[Any]) -> Iterable[tuple[int, int, str]]:
    for one in spans:
        if not isinstance(one, dict):
            continue
        start, end = one.get("start"), one.get("end")
        if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text):
            yield start, end, str(one.get("key", ""))


def flat(value: object) -> list[tuple[str, object]]:
    """A nested value as rows: where each part stands (RFC 6901), and the part."""
    rows: list[tuple[str, object]] = []
    # Not by calls: a record may be nested deeper than those go.
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, one = waiting.pop()
        if isinstance(one, dict) and one:
            named = [(str(key).replace("~", "~0").replace("/", "~1"), one[key]) for key in one]
        elif isinstance(one, list) and any(isinstance(part, dict | list) for part in one):
            named = [(str(place), part) for place, part in enumerate(one)]
        else:
            rows.append((path, one))
            continue
        waiting += [(f"{path}/{name}", part) for name, part in reversed(named)]
    return rows


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A table as CSV (RFC 4180), with nothing in it that a spreadsheet would take for a formula.

    A cell that begins with = + - @ or a control gets an apostrophe before it; numbers stay. Of a
    list the parts stand side by side: words with a space between, else with a semicolon.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(one) for one in row] for row in rows)
    return out.getvalue().encode("utf-8", errors="replace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int):
        return str(value)
    text = compact(value)
    if isinstance(value, list | tuple):
        parts = [compact(one) for one in value]
        text = ("; " if any(" " in one for one in parts) else " ").join(parts)
    text = HIDDEN.sub(lambda found: f"\\u{{{ord(found[0]):04x}}}", text)
    # Spaces in front, also the wide ones, do not keep a spreadsheet from seeing a formula.
    return f"'{text}" if _FORMULA.match(text.lstrip() or text) or text[:1] in "＝＋－＠" else text
