"""Two JSON values compared: where they part, as JSON pointers (RFC 6901), and what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final


class _Absent:
    """What stands where one of the two has nothing: another thing than null."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which two values part.

    Attributes:
        path: a JSON pointer, as in /answer/fields/0/value.
        recorded, replayed: what stands there; ABSENT where nothing does.
    """

    path: str
    recorded: Any
    replayed: Any

    def as_record(self) -> dict[str, Any]:
        """The difference as JSON, without the side that has nothing."""
        sides = {"recorded": self.recorded, "replayed": self.replayed}
        return {"path": self.path} | {
            side: value for side, value in sides.items() if value is not ABSENT
        }


def between(recorded: Any, replayed: Any, path: str = "") -> Iterator[Difference]:
    """Every place at which two values part, in the order of the recorded one.

    true is not 1, and 1 is not 1.0: what was recorded is compared as the JSON that it is.
    """
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for key in dict.fromkeys([*recorded, *replayed]):
            yield from between(
                recorded.get(key, ABSENT), replayed.get(key, ABSENT), f"{path}/{_escaped(key)}"
            )
    elif isinstance(recorded, list) and isinstance(replayed, list):
        for place in range(max(len(recorded), len(replayed))):
            yield from between(_at(recorded, place), _at(replayed, place), f"{path}/{place}")
    elif type(recorded) is not type(replayed) or recorded != replayed:
        yield Difference(path, recorded, replayed)


def _at(values: list[Any], place: int) -> Any:
    return values[place] if place < len(values) else ABSENT


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
