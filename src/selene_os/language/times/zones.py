"""Time zones said after a time of day: "8:00 PST", "9am Pacific time", "14:00 GMT+1".

A reading keeps the clock that was said and adds the zone's offset, as ISO 8601 does; where a name
stands for several zones, or its offset changes with the season, every offset is a reading.
"""

from __future__ import annotations

from typing import Final

from selene_os.language.times.line import DASHES, Line

_OFFSETS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(offsets.split())
    for names, offsets in {
        "utc gmt z wet": "+00:00",
        "bst": "+01:00 +06:00",
        "cet": "+01:00",
        "cest eet sast": "+02:00",
        "eest msk": "+03:00",
        "pkt": "+05:00",
        "ist": "+05:30 +01:00 +02:00",
        "ict wib": "+07:00",
        "hkt sgt awst": "+08:00",
        "jst kst": "+09:00",
        "acst": "+09:30",
        "aest": "+10:00",
        "aedt": "+11:00",
        "nzst": "+12:00",
        "nzdt": "+13:00",
        "brt": "-03:00",
        "adt": "-03:00",
        "ast": "-04:00 +03:00",
        "edt": "-04:00",
        "est cdt": "-05:00",
        "cst": "-06:00 +08:00",
        "mdt": "-06:00",
        "mst pdt": "-07:00",
        "pst": "-08:00",
        "akst": "-09:00",
        "hst": "-10:00",
        "et": "-05:00 -04:00",
        "ct": "-06:00 -05:00",
        "mt": "-07:00 -06:00",
        "pt": "-08:00 -07:00",
    }.items()
    for name in names.split()
}
# Before "time", "standard time" or "daylight time".
_REGIONS: Final[dict[str, tuple[str, ...]]] = {
    "eastern": ("-05:00", "-04:00"),
    "central": ("-06:00", "-05:00"),
    "mountain": ("-07:00", "-06:00"),
    "pacific": ("-08:00", "-07:00"),
    "beijing": ("+08:00",),
    "singapore": ("+08:00",),
    "tokyo": ("+09:00",),
    "india": ("+05:30",),
    "london": ("+00:00", "+01:00"),
    "greenwich": ("+00:00",),
}


def zone_at(line: Line, i: int) -> tuple[tuple[str, ...], int] | None:
    """The offsets of the zone named at token `i`, and the token after it."""
    words = line.words
    if words[i] == "(" and words[i + 1] != "(":
        inner = zone_at(line, i + 1)
        return (inner[0], inner[1] + 1) if inner and words[inner[1]] == ")" else None
    word = words[i]
    if word in _OFFSETS:
        if word in ("utc", "gmt"):
            moved = _offset(line, i + 1)
            if moved:
                return moved
        return _OFFSETS[word], i + 1
    if word in _REGIONS:
        offsets, k = _REGIONS[word], i + 1
        if len(offsets) == 2 and words[k] in ("standard", "daylight", "mean", "summer"):
            offsets, k = (offsets[words[k] in ("daylight", "summer")],), k + 1
        return (offsets, k + 1) if words[k] == "time" else None
    typed = line.joined(i) and line.kinds[i + 1] == "number" and len(words[i + 1]) in (2, 4)
    return _offset(line, i) if typed and (words[i + 2] == ":" or len(words[i + 1]) == 4) else None


def _offset(line: Line, i: int) -> tuple[tuple[str, ...], int] | None:
    """ "+1", "-0530", "+05:30", touching what stands before it."""
    words = line.words
    sign = "+" if words[i] == "+" else "-" if words[i] in DASHES else ""
    figures = words[i + 1]
    if not sign or not line.joined(i + 1) or line.kinds[i + 1] != "number" or len(figures) > 4:
        return None
    hours, minutes, last = int(figures), 0, i + 2
    if len(figures) > 2:
        hours, minutes = divmod(hours, 100)
    elif words[last] == ":" and line.kinds[last + 1] == "number" and len(words[last + 1]) == 2:
        minutes, last = int(words[last + 1]), last + 2
    if hours > 14 or minutes > 59:
        return None
    return (f"{sign}{hours:02}:{minutes:02}",), last
