"""Who understands: our engine and grammar, and what somebody would pick instead.

Each peer is used as its own documentation says, with what makes it fastest: the language named,
the model built once. A time finder answers as `selene times --jsonl` does.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, Protocol

from bench import nlp_clock
from bench.table import Unmeasured
from selene_os.language import times

REQUIREMENTS: Final = "requirements/bench-nlp.txt"
_READINGS_MAX: Final = 4
# A small home: the peer's sentences name what it has, and nothing is matched without.
_HOME: Final = {
    "name": (
        "kitchen light,bedroom lamp,living room light,desk lamp,hall light,garage door,front door,"
        "back door,ceiling fan,thermostat,vacuum,tv,oven,coffee machine"
    ),
    "area": "kitchen,bedroom,living room,office,hall,garage,garden,bathroom",
    "floor": "ground floor,first floor,basement",
}
Times = list[dict[str, Any]]


class TimeFinder(Protocol):
    """Something that finds times in a text."""

    name: str

    def find(self, text: str, now: datetime) -> Any:
        """What it finds, in its own form: what is measured."""

    def told(self, found: Any, text: str, now: datetime) -> Times:
        """What it found, in the form of `selene times --jsonl`, for the scorer."""


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Unmeasured(f"{error}: pip install -r {REQUIREMENTS}") from error


def selene() -> Callable[[str], object]:
    """Our engine, from the request as it comes in to the result."""
    return nlp_clock.understand


def hassil() -> Callable[[str], object]:
    """hassil with all of Home Assistant's English sentences and a small home."""
    peer = _module("hassil")
    intents = peer.Intents.from_dict(_module("home_assistant_intents").get_intents("en"))
    home = {
        name: peer.TextSlotList.from_strings(values.split(","), name=name)
        for name, values in _HOME.items()
    }
    recognize = peer.recognize
    return lambda text: recognize(text, intents, slot_lists=home)


class Ours:
    """The time grammar, which keeps every reading, in every language at once."""

    name = "selene"

    def find(self, text: str, now: datetime) -> object:
        return times.find(text, now=now)


class DateParser:
    """dateparser's search, in one language, for times to come: of its settings the best here."""

    name = "dateparser"

    def __init__(self, language: str) -> None:
        self._search = _module("dateparser.search").search_dates
        self._languages = [language]

    def find(self, text: str, now: datetime) -> Any:
        settings = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future"}
        return self._search(text, languages=self._languages, settings=settings)

    def told(self, found: Any, text: str, now: datetime) -> Times:
        told: Times = []
        after = 0
        # It tells the words and not their place: each is looked for behind the one before.
        for words, moment in found or ():
            start = text.find(words, after)
            if start >= 0:
                after = start + len(words)
                reading = {"start": moment.replace(tzinfo=None).isoformat(), "end": None}
                told.append({"start": start, "end": after, "readings": [reading]})
        return told


class Recognizers:
    """Microsoft's recognizers, the model of one language built once."""

    name = "recognizers-text"

    def __init__(self, language: str) -> None:
        peer = _module("recognizers_date_time")
        culture = {"en": peer.Culture.English, "zh": peer.Culture.Chinese}[language]
        self._model = peer.DateTimeRecognizer(culture).get_datetime_model()

    def find(self, text: str, now: datetime) -> Any:
        return self._model.parse(text, now)

    def told(self, found: Any, text: str, now: datetime) -> Times:
        return [_recognized(one, now) for one in found]


def _recognized(one: Any, now: datetime) -> dict[str, Any]:
    """One of the recognizers' results; its end is its last character's place."""
    told: dict[str, Any] = {"start": one.start, "end": one.end + 1}
    values = (one.resolution or {}).get("values") or ()
    lengths = [value["value"] for value in values if value.get("type") == "duration"]
    if lengths:
        return told | {"duration": f"PT{lengths[0]}S"}
    readings = list(_readings(values, now))
    return told | {"readings": [r for n, r in enumerate(readings) if r not in readings[:n]]}


def _readings(values: Any, now: datetime) -> Iterator[dict[str, str | None]]:
    """The values with a start; a time of day stands on the day of speaking."""
    for value in values:
        start, end = value.get("start", value.get("value")), value.get("end")
        day = f"{now:%Y-%m-%d} " if value.get("type") in ("time", "timerange") else ""
        if start and value.get("type") != "set":
            yield {
                "start": f"{day}{start}".replace(" ", "T"),
                "end": f"{day}{end}".replace(" ", "T") if end else None,
            }


TIME_FINDERS: Final[dict[str, Callable[[str], TimeFinder]]] = {
    finder.name: finder for finder in (DateParser, Recognizers)
}
