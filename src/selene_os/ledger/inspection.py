"""What `selene doctor` finds, the same for every store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from selene_os.ledger import codec
from selene_os.ledger.events import PLAIN_KEY_ID, AuditEvent

FAULTS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way round a guard, and what came of it.

    Attributes:
        name: what was tried.
        held: the rows are what they were.
        found: what was seen: the database's words, or which rows differ.
    """

    name: str
    held: bool
    found: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found of a ledger.

    Attributes:
        name: the database, for people.
        schema: what of its schema is not what the migrations made.
        faults: rows that no guarded write can have made.
        attempts: the ways round the guards that were tried.
        tried: where and as whom.
        beyond: what this database cannot refuse, each with what shows it.
        warnings: what is allowed, and unwise.
    """

    name: str
    schema: tuple[str, ...]
    faults: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    tried: str
    beyond: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Everything is what it must be."""
        return not self.schema and not self.faults and all(one.held for one in self.attempts)


def first_faults(faults: Iterator[str]) -> list[str]:
    """As many faults as anybody reads; one more says that there are more."""
    return list(islice(faults, FAULTS_MAX + 1))


def differences(expected: dict[str, str], there: dict[str, str]) -> list[str]:
    """What is missing, was added or was changed between two catalogs: name -> definition."""
    found = [f"{name} is missing" for name in sorted(expected.keys() - there.keys())]
    found += [f"{name} was added" for name in sorted(there.keys() - expected.keys())]
    found += [
        f"{name} was changed"
        for name in sorted(expected.keys() & there.keys())
        if expected[name] != there[name]
    ]
    return found


def event_faults(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """What is wrong with rows of audit_events, each followed by its record's engine, bytes, key."""
    for *row, engine, record, key_id in rows:
        event = AuditEvent._make(row)
        if fault := codec.fault_of(event) or _record_fault(event, engine, record, key_id):
            yield f"audit_events, event {event.event_id}: {fault}"


def bundle_faults(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Which bundles of terms are not what their name says, of (tenant_id, digest, bundle, key)."""
    for tenant_id, digest, bundle, key_id in rows:
        if key_id == PLAIN_KEY_ID and hashlib.sha256(bytes(bundle)).hexdigest() != digest:
            yield f"term_bundles, {digest} of tenant {tenant_id}: its content has another name"


def settled_twice(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Drafts that more than one confirmation settles, of (tenant_id, draft_event_id)."""
    for tenant_id, draft in rows:
        yield f"audit_events, draft {draft} of tenant {tenant_id}: settled more than once"


def _record_fault(event: AuditEvent, engine: object, record: Any, key_id: object) -> str | None:
    if record is None:
        return "has no record in replay_inputs"
    if engine != event.engine:
        return f"its record is of engine {engine}"
    if key_id == PLAIN_KEY_ID:
        try:
            decoded = codec.decode_json(bytes(record))
        except (ValueError, RecursionError):
            return "its record is no JSON"
        if not isinstance(decoded, dict):
            return "its record is no JSON object"
    return None
