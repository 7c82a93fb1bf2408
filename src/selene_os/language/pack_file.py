"""One TOML file of a pack, as entries that know the line on which they stand.

`tomllib` reads the file; it gives no places. So when an entry is refused, and only then, a scanner
walks the same text, which is known to be valid TOML, and notes the line of every key and element.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from selene_os.errors import PackInvalid

# The keys, and the places in lists, that lead from a file's root to an entry.
Path = tuple[str | int, ...]
NEXT_STEP: Final = "Mend the file."
_TOML_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_TOML_END: Final = " (at end of document)"
# A comment and a space are read, and not kept. A closing mark of three may follow two of its kind.
_TOKEN: Final = re.compile(
    r"[ \t\r]+|\#[^\n]*"
    r'|(?P<kept>"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|[\n\[\]{}=,.]"
    r"""|[^\s\[\]{}=,.\#"']+)""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a pack's file; None where the file has none of that name.

    Attributes:
        file: the file's name.
        source: the file's text.
        path: where the value stands in it.
        value: what tomllib read.
    """

    file: str
    source: str = field(repr=False)
    path: Path
    value: object

    def __getitem__(self, key: str | int) -> Entry:
        """What stands under a key or at a place, given or not."""
        found: object = None
        if isinstance(self.value, dict):
            found = self.value.get(key)
        elif isinstance(self.value, list) and isinstance(key, int):
            found = self.value[key]
        return Entry(self.file, self.source, (*self.path, key), found)

    @property
    def given(self) -> bool:
        """Whether the file has it: TOML itself has no null."""
        return self.value is not None

    @property
    def line(self) -> int:
        """The line where it stands; of what should hold it, where it is missing."""
        lines = lines_of(self.source)
        known = (self.path[:length] for length in range(len(self.path), 0, -1))
        return next((lines[path] for path in known if path in lines), 1)

    @property
    def name(self) -> str:
        """The keys that lead to it, as a pack's author would write them."""
        keys = [key for key in self.path if isinstance(key, str)]
        return ".".join(key if key.isidentifier() else f"{key!r:.60}" for key in keys)

    def refuse(self, reason: str) -> PackInvalid:
        """The error for something wrong with it."""
        return PackInvalid(f"{self.file}, line {self.line}: {reason}", NEXT_STEP)

    def table(self, accepted: Collection[str] | None = None) -> dict[str, Entry]:
        """The entries of a table, none where it is missing; no other keys than those accepted."""
        if not self.given:
            return {}
        if not isinstance(self.value, dict):
            raise self.refuse(f"{self.name} must be a table")
        entries = {key: self[key] for key in self.value}
        for key, entry in entries.items():
            if accepted is not None and key not in accepted:
                raise entry.refuse(
                    f"{entry.name} means nothing; known here: {', '.join(accepted) or 'nothing'}"
                )
        return entries

    def entries(self) -> tuple[Entry, ...]:
        """The elements of a list, none where it is missing."""
        if not self.given:
            return ()
        if not isinstance(self.value, list):
            raise self.refuse(f"{self.name} must be a list")
        return tuple(self[place] for place in range(len(self.value)))

    def texts(self) -> tuple[str, ...]:
        """A list of texts, empty where it is missing."""
        return tuple(entry.text() for entry in self.entries())

    def text(self) -> str:
        """A text that says something."""
        if not self.given:
            raise self.refuse(f"{self.name} is missing")
        if not isinstance(self.value, str):
            raise self.refuse(f"{self._shown} must be text")
        if not self.value.strip():
            raise self.refuse(f"{self._shown} is blank")
        return self.value

    def flag(self, default: bool) -> bool:
        """A yes or no: `"no"` is a text, and every text would count as a yes."""
        if not self.given:
            return default
        if not isinstance(self.value, bool):
            raise self.refuse(f"{self._shown} must be true or false")
        return self.value

    def one_of(self, accepted: Collection[str]) -> str:
        """A text among those accepted."""
        text = self.text()
        if text not in accepted:
            raise self.refuse(f"{self._shown} must be one of {', '.join(accepted)}")
        return text

    @property
    def _shown(self) -> str:
        return f"{self.name}: {self.value!r:.60}"


def read_file(name: str, content: bytes) -> Entry:
    """The root of a pack's file.

    Raises:
        PackInvalid: it is no UTF-8, or no TOML.
    """

    def refuse(line: int, reason: str) -> PackInvalid:
        return PackInvalid(f"{name}, line {line}: {reason}", NEXT_STEP)

    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse(line, f"byte {error.start} is no UTF-8") from error
    try:
        return Entry(name, text, (), tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        placed = _TOML_LINE.search(reason)
        line = int(placed[1]) if placed else text.rstrip().count("\n") + 1
        raise refuse(line, _TOML_LINE.sub("", reason).removesuffix(_TOML_END)) from error
    except (ValueError, RecursionError) as error:
        # What tomllib passes on without a place: a number too long, or brackets too deep.
        raise refuse(_breaking_line(text), str(error)) from error


def _breaking_line(text: str) -> int:
    """The first line with which reading fails otherwise than for being cut off."""
    lines = text.split("\n")

    def breaks(count: int) -> bool:
        try:
            tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            return False
        except (ValueError, RecursionError):
            return True
        return False

    return bisect_left(range(len(lines)), True, key=breaks)


def lines_of(text: str) -> dict[Path, int]:
    """The line of every table, key and list element of a text that is valid TOML."""
    scan = _Scan(text)
    scan.read()
    return scan.lines


class _Scan:
    """A walk over the tokens of valid TOML. A table made of several parts stands at its first."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._tokens = list(_tokens(text))
        self._at = 0

    def read(self) -> None:
        """Note every line."""
        header: Path = ()
        while self._skip("\n") < len(self._tokens):
            if self._now == "[":
                self._skip("[")
                header = self._keys((), "]")
                self._skip("]")
            else:
                self._pair(header)

    @property
    def _now(self) -> str:
        return self._tokens[self._at][0]

    def _skip(self, marks: str) -> int:
        """Past any of the marks."""
        while self._at < len(self._tokens) and self._now in marks:
            self._at += 1
        return self._at

    def _note(self, path: Path) -> None:
        self.lines.setdefault(path, self._tokens[self._at][1])

    def _keys(self, path: Path, closing: str) -> Path:
        """A key, with dots or without, and past the mark behind it."""
        while self._now != closing:
            if self._now != ".":
                path = (*path, _unquoted(self._now))
                self._note(path)
            self._at += 1
        self._at += 1
        return path

    def _pair(self, table: Path) -> None:
        self._value(self._keys(table, "="))

    def _value(self, path: Path) -> None:
        opening = self._now
        if opening == "[":
            self._at += 1
            place = 0
            while self._tokens[self._skip("\n,")][0] != "]":
                self._note((*path, place))
                self._value((*path, place))
                place += 1
            self._at += 1
        elif opening == "{":
            self._at += 1
            while self._tokens[self._skip("\n,")][0] != "}":
                self._pair(path)
            self._at += 1
        else:
            # A number or a time is several tokens: 1.5.
            while self._at < len(self._tokens) and self._now not in "\n,]}":
                self._at += 1


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for found in _TOKEN.finditer(text):
        if found["kept"]:
            yield found[0], line
        line += found[0].count("\n")


def _unquoted(key: str) -> str:
    return next(iter(tomllib.loads(f"{key} = 0"))) if key[0] in "\"'" else key
