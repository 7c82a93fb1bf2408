"""Ledgers to test with: every kind of store there is, filled alike, and a stranger's way in.

A second store is one more entry in `KINDS`. Ids and times are the same in every run.
"""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final, NamedTuple, Protocol

import servers
from selene_os import Selene, Surroundings
from selene_os.decision import Chat, Clarify, IntentDraft, ProfileDecision
from selene_os.edges.databases import database as sqlite_database
from selene_os.errors import Refusal
from selene_os.ledger.codec import Decided, Place, Scope, encode_event
from selene_os.ledger.events import (
    PLAIN_KEY_ID,
    AuditEvent,
    MemoryEvent,
    Receipt,
    ReplayRecord,
    TenantRow,
    Unit,
    Utterance,
)
from selene_os.ledger.sqlite.schema import create
from selene_os.ledger.sqlite.store import SqliteStore
from selene_os.ledger.store import Store, Verdict
from selene_os.names import (
    CorrelationId,
    DeviceId,
    IdempotencyKey,
    SessionId,
    TenantId,
    UserId,
    event_id_of,
    parse_turn_id,
)
from selene_os.reasons import ReasonCode

START_NS: Final = 1_700_000_000_000_000_000
STEP_NS: Final = 1_000_000

ACME: Final = TenantId("acme")
GLOBEX: Final = TenantId("globex")
ALICE: Final = Scope(ACME, UserId("alice"), DeviceId("kitchen"), SessionId("morning"))
BOB: Final = Scope(ACME, UserId("bob"), DeviceId("desk"), SessionId("office"))
CAROL: Final = Scope(GLOBEX, UserId("carol"), DeviceId("porch"), SessionId("evening"))
EVERYONE: Final = (ALICE, BOB, CAROL)

TALK: Final = CorrelationId("1" * 32)
OTHER_TALK: Final = CorrelationId("2" * 32)

DRAFT: Final = IntentDraft(
    ReasonCode.NLP_INTENT_OK, "SET_REMINDER", "HIGH", ("time", "task"), ("TIME_RELATIVE",)
)
CLARIFY: Final = Clarify(
    ReasonCode.NLP_CLARIFY_MISSING_FIELD, "time", "unit-1", ("at 5 pm", "tomorrow at noon")
)
CHAT: Final = Chat()
PROFILE: Final = ProfileDecision(
    ReasonCode.PERSONA_PROFILE_OK, "GENTLE", "TEXT_ONLY", "snapshot-0001"
)

HALL: Final = DeviceId("hall")
NOBODYS: Final = DeviceId("nobodys")

# Each with the field that its refusal names; `widen` first.
WRONG_SCOPES: Final = {
    "an unknown tenant": (replace(ALICE, tenant_id=TenantId("initech")), "tenant_id"),
    "a tenant in other letters": (replace(ALICE, tenant_id=TenantId("ACME")), "tenant_id"),
    "an unknown user": (replace(ALICE, user_id=UserId("mallory")), "user_id"),
    "a user of another tenant": (replace(ALICE, user_id=CAROL.user_id), "user_id"),
    "a disabled user": (Scope(ACME, UserId("dave"), DeviceId("phone")), "user_id"),
    "an unknown device": (replace(ALICE, device_id=NOBODYS), "device_id"),
    "a device of another user": (replace(ALICE, device_id=BOB.device_id), "device_id"),
    "a device of another tenant": (replace(ALICE, device_id=CAROL.device_id), "device_id"),
    "another tenant's all": (replace(CAROL, tenant_id=ACME), "user_id"),
    "an unknown session": (replace(ALICE, session_id=SessionId("never")), "session_id"),
    "a session of her other device": (replace(ALICE, device_id=HALL), "session_id"),
    "a session of another user": (replace(ALICE, session_id=BOB.session_id), "session_id"),
    "a session of another tenant": (replace(BOB, session_id=CAROL.session_id), "session_id"),
    "a closed session": (replace(ALICE, session_id=SessionId("yesterday")), "session_id"),
}

# What must not change when a write is refused: every table that a write can touch.
TABLES: Final = (
    "tenants", "term_bundles", "packs", "identities", "devices", "device_bindings", "sessions",
    "audit_events", "replay_inputs", "conversation_ledger", "memory_ledger", "memory_current",
    "unsealed_events", "merkle_leaves", "merkle_nodes", "checkpoints", "signing_keys",
    "api_keys", "access_events", "operators",
)  # fmt: skip

Row = tuple[object, ...]
Tables = dict[str, list[Row]]


class Result(NamedTuple):
    """What one statement of a stranger came to: its rows, or the error it met."""

    rows: list[Row]
    error: str | None


class Database(Protocol):
    """A database of one kind, made empty; it can be opened again and again.

    Attributes:
        table_names: SQL that lists every table.
        overwrites: this dialect's ways of putting a row of audit_events over another.
    """

    table_names: ClassVar[str]
    overwrites: ClassVar[tuple[str, ...]]

    def url(self) -> str:
        """How `selene_os.open` reaches it."""

    def open(self) -> Store:
        """A store on it."""

    def raw(self, *statements: str) -> list[Result]:
        """Run SQL on a second connection that is not ours, each statement on its own."""

    def drop(self) -> None:
        """Remove it, also while a store is open on it."""


# The standard library's SQLite, in a process of its own: two SQLite libraries in one process must
# not open one file, for closing it in one drops the other's locks.
_STRANGER: Final = """
import ast, sqlite3, sys
path, statements = ast.literal_eval(sys.stdin.buffer.read().decode())
connection = sqlite3.connect(path, timeout=5, isolation_level=None)
connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
results = []
for statement in statements:
    try:
        results.append((connection.execute(statement).fetchall(), None))
    except sqlite3.Error as error:
        results.append(([], f"{type(error).__name__}: {error}"))
connection.close()
sys.stdout.buffer.write(ascii(results).encode())
"""


_COLUMNS: Final = ", ".join(AuditEvent._fields)
_OTHER_ID: Final = "'00000000-0000-7000-8000-' || hex(randomblob(6))"


def _copies(rowid: str, **changed: str) -> str:
    """A SELECT of every audit row with some columns changed; WHERE ends it for an UPSERT."""
    columns = ", ".join(changed.get(column, column) for column in AuditEvent._fields)
    return f"SELECT {rowid}{columns} FROM audit_events WHERE 1"


_SAME_ID: Final = _copies("", idempotency_key="'another'", payload_min="'{}'")
_SAME_KEY: Final = _copies("", event_id=f"lower({_OTHER_ID})", payload_min="'{}'")
_SAME_ROWID: Final = _copies(
    "rowid, ", event_id=f"lower({_OTHER_ID})", idempotency_key="'another'", payload_min="'{}'"
)


def stranger_at(path: str, *statements: str) -> list[Result]:
    """Run SQL on a file by the standard library's SQLite, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _STRANGER],
        input=ascii((path, statements)).encode(),
        capture_output=True,
        check=True,
        timeout=30,
    )
    return [Result(*result) for result in ast.literal_eval(done.stdout.decode())]


class SqliteDatabase:
    """One file in a folder."""

    table_names: ClassVar[str] = "SELECT name FROM sqlite_schema WHERE type = 'table'"
    overwrites: ClassVar[tuple[str, ...]] = (
        f"INSERT OR REPLACE INTO audit_events {_SAME_ID}",
        f"INSERT OR REPLACE INTO audit_events {_SAME_KEY}",
        f"REPLACE INTO audit_events (rowid, {_COLUMNS}) {_SAME_ROWID}",
        "UPDATE OR REPLACE audit_events SET payload_min = '{}'",
        f"INSERT INTO audit_events {_SAME_ID}"
        " ON CONFLICT (tenant_id, event_id) DO UPDATE SET payload_min = '{}'",
        f"INSERT INTO audit_events {_SAME_KEY} ON CONFLICT"
        " (tenant_id, correlation_id, idempotency_key) DO UPDATE SET payload_min = '{}'",
    )

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "ledger.db")
        create(self.path, START_NS)

    def url(self) -> str:
        return self.path

    def open(self) -> Store:
        return SqliteStore(self.path)

    def raw(self, *statements: str) -> list[Result]:
        return stranger_at(self.path, *statements)

    def drop(self) -> None:
        """Nothing: the folder is the test's."""


class EncryptedDatabase(SqliteDatabase):
    """One file in a folder, and its keys beside it."""

    def open(self) -> Store:
        with_keys = sqlite_database(self.path)
        with_keys.make_keys()
        return with_keys.open()


def _postgres(kind: str) -> Callable[[Path], Database]:
    def fresh(_folder: Path) -> Database:
        # Here, for it imports this module.
        from postgres_databases import PostgresDatabase

        return PostgresDatabase.fresh(kind)

    return fresh


KINDS: Final[dict[str, Callable[[Path], Database]]] = {
    "sqlite": SqliteDatabase,
    "encrypted": EncryptedDatabase,
    **{kind: _postgres(kind) for kind in servers.names()},
}
# What every test runs on that asks for a ledger; the contracts and the acceptance run on each kind.
MAIN_KINDS: Final = ("postgres", "sqlite")


class Ledger:
    """A store with two tenants and three users: alice and bob in acme, carol in globex."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = database.open()
        self.scribe = Scribe()
        for tenant_id in (ACME, GLOBEX):
            self.store.add_tenant(TenantRow(tenant_id, None, "ask", None, None, START_NS))
        for one in EVERYONE:
            self.store.register(one.tenant_id, one.user_id, one.device_id, one.session_id, START_NS)

    def reopen(self) -> None:
        """Let go of the database and open it again."""
        self.store.close()
        self.store = self.database.open()

    def commit(self, unit: Unit) -> tuple[Receipt, ...]:
        """Write one unit; raises its Refusal."""
        return written(self.store.commit([unit])[0])

    def write(
        self,
        decision: Decided = DRAFT,
        scope: Scope = ALICE,
        *,
        correlation: CorrelationId = TALK,
        turn: int = 1,
        key: str = "key",
    ) -> Receipt:
        """Write one decision; raises its Refusal."""
        unit = self.scribe.unit(decision, scope, correlation=correlation, turn=turn, key=key)
        return self.commit(unit)[0]

    def raw(self, *statements: str) -> list[Result]:
        """Run SQL on a second connection that is not ours."""
        return self.database.raw(*statements)

    def tables(self) -> Tables:
        """Every row of every table, as a stranger reads them."""
        results = self.raw(*(f"SELECT * FROM {table}" for table in TABLES))
        assert [result.error for result in results] == [None] * len(TABLES)
        return {
            table: sorted(result.rows, key=repr)
            for table, result in zip(TABLES, results, strict=True)
        }

    def selene(self) -> Selene:
        """The library on this store, with a clock and names that are the same in every run."""
        counter = itertools.count(1)
        surroundings = Surroundings(
            self.scribe.now,
            lambda: event_id_of(self.scribe.now(), next(counter)),
            lambda: CorrelationId(f"{next(counter):032x}"),
        )
        return Selene(self.store, surroundings)


def written(verdict: Verdict) -> tuple[Receipt, ...]:
    """The receipts of a verdict; raises its Refusal."""
    if isinstance(verdict, Refusal):
        raise verdict
    return verdict


class Scribe:
    """Builds rows, each a millisecond after the one before."""

    def __init__(self) -> None:
        self._made = 0

    def now(self) -> int:
        """The next moment."""
        self._made += 1
        return START_NS + self._made * STEP_NS

    def event(
        self,
        decision: Decided = DRAFT,
        scope: Scope = ALICE,
        *,
        correlation: CorrelationId = TALK,
        turn: int = 1,
        key: str = "key",
    ) -> AuditEvent:
        """One audit row."""
        at = self.now()
        place = Place(correlation, parse_turn_id(turn), IdempotencyKey(key))
        return encode_event(decision, scope, place, event_id_of(at, self._made), at)

    def record(self, event: AuditEvent) -> ReplayRecord:
        """The record of an event, which names it."""
        words = f'{{"of":"{event.event_id}"}}'.encode()
        return ReplayRecord(
            event.tenant_id, event.event_id, event.engine, "1", None, words, PLAIN_KEY_ID
        )

    def utterance(
        self,
        text: str = "remind me",
        scope: Scope = ALICE,
        *,
        correlation: CorrelationId = TALK,
        turn: int = 1,
        role: str = "USER",
    ) -> Utterance:
        """One line of conversation."""
        source = "TYPED_TEXT" if role == "USER" else "SELENE_OUTPUT"
        return Utterance(
            scope.tenant_id, correlation, parse_turn_id(turn), role, source, scope.user_id,
            scope.device_id, text.encode(), PLAIN_KEY_ID, "PRIVATE", self.now(),
        )  # fmt: skip

    def unit(
        self,
        decision: Decided = DRAFT,
        scope: Scope = ALICE,
        *,
        correlation: CorrelationId = TALK,
        turn: int = 1,
        key: str = "key",
        more: Sequence[Decided] = (),
    ) -> Unit:
        """A decision with its record and what was said; `more` decisions take `<key>#2` on."""
        keys = [key, *(f"{key}#{number}" for number in range(2, len(more) + 2))]
        events = tuple(
            self.event(one, scope, correlation=correlation, turn=turn, key=its_key)
            for one, its_key in zip((decision, *more), keys, strict=True)
        )
        said = self.utterance(scope=scope, correlation=correlation, turn=turn)
        return Unit(events, tuple(map(self.record, events)), said)

    def memory(
        self,
        event: str = "STORED",
        scope: Scope = ALICE,
        *,
        memory_key: str = "tea",
        value: bytes | None = b"green",
        key: str = "key",
        use_policy: str = "USER_REQUESTED_ONLY",
    ) -> MemoryEvent:
        """One memory event; its version is the store's to give."""
        at = self.now()
        return MemoryEvent(
            scope.tenant_id, event_id_of(at, self._made), scope.user_id, memory_key, 0, event,
            None if event == "FORGOTTEN" else value, PLAIN_KEY_ID, "LONG_TERM", "LOW", "HIGH",
            "CONFIRMED", use_policy, None, "said by the user", IdempotencyKey(key), at,
        )  # fmt: skip


def widen(ledger: Ledger) -> None:
    """Give alice a second device with a session, and a session that is closed."""
    ledger.store.register(ACME, ALICE.user_id, HALL, SessionId("evening"), START_NS)
    ledger.store.register(ACME, ALICE.user_id, ALICE.device_id, SessionId("yesterday"), START_NS)
    ledger.store.close_session(ACME, SessionId("yesterday"), START_NS + 1)
    ledger.store.register(ACME, UserId("dave"), DeviceId("phone"), None, START_NS)
    ledger.store.set_identity_status(ACME, UserId("dave"), "DISABLED")
