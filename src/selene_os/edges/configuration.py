"""Settings from a TOML file, below those of the environment; and what each of them is now."""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from selene_os.edges.settings import (
    CHECKPOINT_HOOK,
    CONFIG,
    DATABASE_URL,
    DEFAULTS,
    NO_COLOR,
    PACKS,
    SETTINGS,
    is_postgres,
    without_password,
)
from selene_os.edges.settings import KEYS as KEY_DIRECTORY
from selene_os.errors import BadField

ENVIRONMENT: Final = "environment"
DEFAULT: Final = "default"
UNSET: Final = "not set"
_PREFIX: Final = "SELENE_"
_HIDDEN: Final = "(hidden)"
_FILE_BYTES_MAX: Final = 65_536
_SPAN: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}
_EVERY_MIN_S: Final = 0.05
_DAY_S: Final = 86_400.0
# Key of the file -> name in the environment. A file does not name another one.
KEYS: Final = {
    name.removeprefix(_PREFIX).lower(): name for name in SETTINGS if name not in (CONFIG, NO_COLOR)
}


class Shown(NamedTuple):
    """One setting as it is now: source is the environment, a file, the default, or none."""

    name: str
    value: str | None
    source: str
    meaning: str


def read(path: str) -> dict[str, str]:
    """The settings of a file, by their names in the environment.

    Raises:
        BadField: it cannot be read, is no TOML, or holds what is no setting.
    """
    # Here, and not for each command that has no file.
    import tomllib

    try:
        raw = Path(path).read_bytes()[: _FILE_BYTES_MAX + 1]
        if len(raw) > _FILE_BYTES_MAX:
            raise _bad(path, f"is larger than {_FILE_BYTES_MAX} bytes", "Leave out what is else.")
        given = tomllib.loads(raw.decode())
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror})", "Name another one.") from error
    except UnicodeDecodeError as error:
        raise _bad(path, "is no UTF-8", "Write it in UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise _bad(path, f"is no TOML: {_place(str(error))}", "Mend that line.") from error
    return {_name(path, key): _value(path, key, value) for key, value in given.items()}


def _place(told: str) -> str:
    # Only where: what stands there may be a secret that was not quoted.
    return told.rpartition("(")[2].rstrip(")")


def _name(path: str, key: str) -> str:
    if key in KEYS:
        return KEYS[key]
    import difflib

    plain = key.lower().removeprefix(_PREFIX.lower())
    near = difflib.get_close_matches(plain, KEYS, 1, 0.5)
    step = f"Did you mean {near[0]}?" if near else "See `selene settings` for what there is."
    raise _bad(path, f"has {key[:64]!r}, which is no setting", step)


def _value(path: str, key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str | int | float):
        return str(value)
    if KEYS[key] == PACKS and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return os.pathsep.join(value)
    raise _bad(path, f"has a {key} that is neither text nor a number", "Give one of the two.")


def _bad(path: str, problem: str, step: str) -> BadField:
    return BadField("config", f"{path} {problem}", step)


def chosen(config: str | None, environment: Mapping[str, str] = os.environ) -> ChainMap[str, str]:
    """The settings that count: the environment's, and below them the file's, if there is one.

    Args:
        config: the file; else SELENE_CONFIG names it.

    Raises:
        BadField: see `read`.
    """
    file = config or environment.get(CONFIG)
    # An empty variable is one that is not set, as everywhere here.
    mine = {name: value for name in SETTINGS if (value := environment.get(name))}
    return ChainMap(mine, read(file) if file else {})


def shown(found: ChainMap[str, str], file: str | None, keys: str | None) -> list[Shown]:
    """Every setting with its value, where that comes from, and what it does; no secrets.

    Args:
        file: which one was read. keys: the directory of keys where none is set, if it is known.
    """
    defaults = DEFAULTS if keys is None else {**DEFAULTS, KEY_DIRECTORY: keys}
    mine, from_file = found.maps
    lines = []
    for name, meaning in SETTINGS.items():
        if name in mine:
            source = ENVIRONMENT
        elif name in from_file:
            source = str(file)
        else:
            source = DEFAULT if name in defaults else UNSET
        lines.append(Shown(name, _told(name, found.get(name, defaults.get(name))), source, meaning))
    return lines


def _told(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    if name == CHECKPOINT_HOOK:
        # An address or a command with whatever lets it in.
        return _HIDDEN
    if name == DATABASE_URL and is_postgres(value):
        return without_password(value)
    return value


def every_s(text: str) -> float:
    """Seconds of how often something is done again: 50ms to 24h. Raises BadField."""
    seconds = _seconds(text)
    if seconds is None or not _EVERY_MIN_S <= seconds <= _DAY_S:
        raise BadField("every", f"{text!r:.20} is no time of 50ms to 24h", "Give 1s, 500ms, 5m.")
    return seconds


def span_s(name: str, text: str, least_s: float = 0.0) -> float:
    """Seconds of a span of time to 24h, which may be none where nothing is the least.

    Raises:
        BadField: it is none, too short or too long.
    """
    seconds = _seconds(text)
    if seconds is None or not least_s <= seconds <= _DAY_S:
        problem = f"{text!r:.20} is no time of {least_s:g}s to 24h"
        raise BadField(name, problem, "Give 1s, 500ms, 5m.")
    return seconds


def whole(name: str, text: str, least: int, most: int) -> int:
    """A whole number within bounds. Raises BadField."""
    if not (text.isascii() and text.isdecimal() and len(text) < 12 and least <= int(text) <= most):
        problem = f"{text!r:.20} is no number of {least:,} to {most:,}"
        raise BadField(name, problem, "Give a whole number.")
    return int(text)


def networks(name: str, text: str) -> tuple[str, ...]:
    """Addresses and networks, parted by commas. Raises BadField."""
    # Here, and not for each command that serves nothing.
    from ipaddress import ip_network

    found = tuple(one.strip() for one in text.split(",") if one.strip())
    for one in found:
        try:
            ip_network(one)
        except ValueError:
            problem = f"{one!r:.60} is no address, and no network"
            step = (
                "Give them like 127.0.0.1,10.0.0.0/8: no bit is set behind what the slash counts."
            )
            raise BadField(name, problem, step) from None
    return found


def one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    """One of a few words. Raises BadField."""
    if text not in known:
        raise BadField(name, f"{text!r:.20} is none of them", "Give " + " or ".join(known) + ".")
    return text


def _seconds(text: str) -> float | None:
    found = _SPAN.fullmatch(text)
    return float(found[1]) * _SECONDS[found[2]] if found else None
