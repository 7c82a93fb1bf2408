"""Numbered SQL files, applied once each, in order, with their digests kept.

An applied file that was edited, or a schema newer than this version, is refused: both mean that
the database is not what the code believes it to be.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

from selene_os.errors import SchemaDiffers

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: its place in the order, name, SQL text, and SHA-256 of that text."""

    version: int
    name: str
    sql: str
    digest: str

    @property
    def title(self) -> str:
        """As it is shown: 0001_tables."""
        return f"{self.version:04}_{self.name}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is still to be done to a database, or what was done.

    Attributes:
        name: the database, for people.
        roles: roles to make.
        made: the file or schema itself is to be made.
        applied: names of the migrations that were there, in order.
        waiting: the migrations to apply, in order.
    """

    name: str
    roles: tuple[str, ...]
    made: bool
    applied: tuple[str, ...]
    waiting: tuple[Migration, ...]

    @property
    def empty(self) -> bool:
        """Nothing is to be done."""
        return not self.roles and not self.made and not self.waiting


def load(dialect: str) -> tuple[Migration, ...]:
    """Every migration of one dialect ("sqlite", "postgres"), in order."""
    found = []
    for file in (resources.files("selene_os.ledger") / "sql" / dialect).iterdir():
        if named := _FILE.fullmatch(file.name):
            sql = file.read_text(encoding="utf-8")
            digest = hashlib.sha256(sql.encode()).hexdigest()
            found.append(Migration(int(named[1]), named[2], sql, digest))
    return tuple(sorted(found, key=lambda migration: migration.version))


def pending(
    known: tuple[Migration, ...], applied: Iterable[tuple[int, str, str]]
) -> tuple[Migration, ...]:
    """The migrations still to be applied.

    Args:
        known: this version's migrations.
        applied: (version, name, digest) rows of the database.

    Raises:
        SchemaDiffers: an applied file was edited or is unknown here, or one was left out.
    """
    by_version = {migration.version: migration for migration in known}
    done = list(applied)
    for version, name, digest in done:
        mine = by_version.pop(version, None)
        if mine is None:
            raise SchemaDiffers(
                f"migration {version:04} {name} of the database is not known here",
                "Use the version of Selene that wrote it, or a newer one.",
            )
        if mine.digest != digest:
            raise SchemaDiffers(
                f"migration {version:04} {name} was edited after it was applied",
                "Install the released files again; changes belong in a new migration.",
            )
    waiting = tuple(by_version[version] for version in sorted(by_version))
    last = max((version for version, _, _ in done), default=0)
    if waiting and waiting[0].version < last:
        raise SchemaDiffers(
            f"migration {waiting[0].title} was left out", "Restore the database from a backup."
        )
    return waiting


def behind(name: str, waiting: Sequence[Migration]) -> SchemaDiffers:
    """The refusal to work on a database that lacks migrations."""
    return SchemaDiffers(
        f"{name} lacks migration {waiting[0].title}",
        "Bring it up to date with `selene db upgrade`.",
    )


def names(applied: Iterable[tuple[int, str, str]]) -> tuple[str, ...]:
    """Applied migrations as they are shown: 0001_tables."""
    return tuple(f"{version:04}_{name}" for version, name, _ in applied)


def script(waiting: Iterable[Migration], table: str, at: int) -> list[str]:
    """Migrations as lines of SQL that also note each one in `table`."""
    lines = []
    for migration in waiting:
        lines += [
            f"-- {migration.title}",
            migration.sql.rstrip(),
            f"INSERT INTO {table} (version, name, digest, applied_at) VALUES"
            f" ({migration.version}, '{migration.name}', '{migration.digest}', {at});",
        ]
    return lines
