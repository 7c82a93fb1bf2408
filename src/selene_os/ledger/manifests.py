"""What a ledger holds, told in a few lines: rows and a digest of each table, the same on any store.

A backup is a file and its manifest beside it; a copy is compared with its source the same way. The
digest is of every column of every row, in the order of the table's key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from selene_os.errors import BadField, Fault
from selene_os.ledger.access import AccessEvent, ApiKeyRow, OperatorRow
from selene_os.ledger.events import (
    AuditEvent,
    CheckpointRow,
    CurrentMemory,
    MemoryEvent,
    PackRow,
    ReplayRecord,
    SigningKeyRow,
    TenantRow,
    TermBundle,
    Utterance,
    columns_of,
)
from selene_os.ledger.migrations import Migration

FORMAT: Final = 1
# Table -> its columns, in an order that every reference allows, and its key.
TABLES: Final[Mapping[str, tuple[str, str]]] = {
    "tenants": (columns_of(TenantRow), "tenant_id"),
    "term_bundles": (columns_of(TermBundle), "tenant_id, digest"),
    "packs": (columns_of(PackRow), "tenant_id, digest"),
    "identities": ("tenant_id, user_id, status, created_at", "tenant_id, user_id"),
    "device_bindings": ("device_id, tenant_id, created_at", "device_id"),
    "devices": ("tenant_id, device_id, user_id, created_at", "tenant_id, device_id"),
    "sessions": (
        "tenant_id, session_id, user_id, device_id, created_at, closed_at",
        "tenant_id, session_id",
    ),
    "audit_events": (columns_of(AuditEvent), "tenant_id, event_id"),
    "replay_inputs": (columns_of(ReplayRecord), "tenant_id, event_id"),
    "conversation_ledger": (columns_of(Utterance), "tenant_id, correlation_id, turn_id, role"),
    "memory_ledger": (columns_of(MemoryEvent), "tenant_id, memory_event_id"),
    "memory_current": (columns_of(CurrentMemory), "tenant_id, user_id, memory_key"),
    "merkle_leaves": ("tenant_id, leaf_index, event_id, leaf_hash", "tenant_id, leaf_index"),
    "merkle_nodes": ("tenant_id, level, first, hashes", "tenant_id, level, first"),
    "checkpoints": (columns_of(CheckpointRow), "tenant_id, size"),
    "signing_keys": (columns_of(SigningKeyRow), "tenant_id, key_id"),
    "unsealed_events": ("tenant_id, event_id", "tenant_id, event_id"),
    "api_keys": (columns_of(ApiKeyRow), "tenant_id, key_id"),
    "access_events": (columns_of(AccessEvent), "tenant_id, access_id"),
    "operators": (columns_of(OperatorRow), "login"),
}
# Of no tenant.
OVER_ALL: Final = ("operators",)
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a ledger held at one moment.

    Attributes:
        kind: sqlite or postgres: what the file beside it is.
        migrations: (version, name) of what its schema had seen.
        tables: table -> (number of rows, SHA-256 of them).
    """

    kind: str
    migrations: tuple[str, ...]
    tables: Mapping[str, tuple[int, str]]

    def check_version(self, known: Iterable[Migration]) -> None:
        """Raise Fault where this version's schema is not the one that was backed up."""
        mine = tuple(one.title for one in known)
        if self.migrations != mine:
            raise Fault(
                f"the backup has the schema {' '.join(self.migrations)}, not {' '.join(mine)}",
                "Restore it with the version of Selene that wrote it, then upgrade.",
            )

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(count for count, _ in self.tables.values())


def take(
    kind: str, migrations: Iterable[str], read: Callable[[str, str, str], Iterable[Row]]
) -> Manifest:
    """The manifest of a ledger.

    Args:
        read: (table, columns, key) -> its rows in the key's order, all in one snapshot.
    """
    tables = {table: digest(read(table, columns, key)) for table, (columns, key) in TABLES.items()}
    return Manifest(kind, tuple(migrations), tables)


def digest(rows: Iterable[Row]) -> tuple[int, str]:
    """How many rows there are, and the SHA-256 of their values, each with its type and length."""
    hashed, count = hashlib.sha256(), 0
    for row in rows:
        count += 1
        for value in row:
            if value is None:
                hashed.update(b"N;")
                continue
            kind, held = (
                (b"B", value)
                if isinstance(value, bytes)
                else (b"I" if isinstance(value, int) else b"T", str(value).encode())
            )
            hashed.update(b"%s%d:" % (kind, len(held)))
            hashed.update(held)
    return count, hashed.hexdigest()


def check(expected: Manifest, there: Manifest, what: str) -> None:
    """Raise Fault naming the first table that differs."""
    if expected.migrations != there.migrations:
        raise Fault(
            f"{what} has seen the migrations {', '.join(there.migrations)}, and not those of the"
            " manifest",
            "Use the version of Selene that wrote the backup.",
        )
    for table, (count, sha256) in expected.tables.items():
        found = there.tables[table]
        if found != (count, sha256):
            raise Fault(
                f"{table} of {what} has {found[0]} rows that are not the {count} rows expected",
                "Do not use it; take the backup or copy again.",
            )


def path_of(file: Path) -> Path:
    """Where the manifest of a backup stands."""
    return file.with_name(file.name + ".manifest.json")


def save(manifest: Manifest, file: Path) -> None:
    """Write the manifest of a backup beside it."""
    record = {
        "format": FORMAT,
        "kind": manifest.kind,
        "migrations": list(manifest.migrations),
        "tables": {
            table: {"rows": count, "sha256": sha256}
            for table, (count, sha256) in manifest.tables.items()
        },
    }
    path = path_of(file)
    path.touch(mode=0o600)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def load(file: Path, kind: str) -> Manifest:
    """The manifest of a backup. Raises BadField: there is none, or it is of another kind."""
    check_name(file)
    path = path_of(file)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(
            str(record["kind"]),
            tuple(map(str, record["migrations"])),
            {
                table: (
                    int(record["tables"][table]["rows"]),
                    str(record["tables"][table]["sha256"]),
                )
                for table in TABLES
            },
        )
        known = record["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadField(
            "file",
            f"has no manifest that can be read at {path.name} ({type(error).__name__})",
            "Name a file that `selene backup` wrote, with the manifest beside it.",
        ) from error
    if not known or manifest.kind != kind:
        raise BadField(
            "file",
            f"is a backup of {manifest.kind}, not of {kind}",
            "Restore it into a database of its own kind; `selene copy` moves between them.",
        )
    return manifest


def claim(file: Path) -> None:
    """Make the new file, for its owner alone. Raises BadField: it is there, or cannot be made."""
    check_name(file)
    try:
        if path_of(file).exists():
            raise FileExistsError(17, "a manifest of that name exists")
        file.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise BadField(
            "file", f"{file} cannot be written ({error.strerror})", "Name a new file."
        ) from error


def check_name(file: Path) -> None:
    """Raise BadField for a path that names no file."""
    if not file.name:
        raise BadField("file", "names no file", "Name a file in a folder that you can write to.")
