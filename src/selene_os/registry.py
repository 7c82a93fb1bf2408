"""One tenant's registrations and what its ledger holds: everything that decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from selene_os import dictionary, erasing, names, records, remembering
from selene_os.engines import know, nlp
from selene_os.errors import BadField, NotFound
from selene_os.ledger import codec
from selene_os.ledger.events import (
    ERASED_KEY_ID,
    AuditEvent,
    CheckpointRow,
    Recorded,
    Utterance,
    Wanted,
)
from selene_os.ledger.insight import MadeBy
from selene_os.ledger.memories import Memories
from selene_os.ledger.repositories import utterance
from selene_os.ledger.store import Store
from selene_os.reasons import reason_number
from selene_os.receipts import Surroundings
from selene_os.registrations import PAGE_ROWS_MAX, Registrations

if TYPE_CHECKING:
    # Few of those who take turns ask for evidence; see `bundle`.
    from selene_os.proof.evidence import Case

DECISIONS: Final = (
    "INTENT_DRAFT", "CLARIFY", "CHAT", "PROFILE", "CONFIRMED", "DECLINED", "CHANGED", "ERASED",
    "HELD", "RELEASED",
)  # fmt: skip
_WORDS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a search, the newest first.

    Attributes:
        events: the rows.
        cursor: what `search` takes as `after` for the next page; None where there is none.
    """

    events: tuple[AuditEvent, ...]
    cursor: str | None


class Registry(Registrations):
    """Who may write for a tenant, how its values are read, and what was written."""

    def __init__(self, store: Store, surroundings: Surroundings, tenant_id: names.TenantId) -> None:
        super().__init__(store, surroundings, tenant_id)
        self._memories = Memories(store, surroundings.event_id)

    # ---- terms

    def terms(self) -> tuple[know.Entry, ...]:
        """The tenant's dictionary, by id. Raises BadField: it is not what was imported."""
        return dictionary.entries_of(self._store, self.tenant_id)

    def import_terms(
        self,
        lines: Sequence[Mapping[str, Any]],
        *,
        replace_all: bool = False,
        skip_refused: bool = False,
    ) -> dictionary.Imported:
        """Add terms, or change those of the same id; see `dictionary.put`.

        Returns:
            What became of each line. Where one was refused nothing was written, unless
            `skip_refused` is given.
        """
        return dictionary.put(
            self._store,
            self.tenant_id,
            lines,
            self._surroundings.clock(),
            replace_all=replace_all,
            skip_refused=skip_refused,
        )

    def remove_terms(self, entry_ids: Iterable[str]) -> dictionary.Imported:
        """Take terms out. Raises NotFound: there is no such term; nothing was written."""
        return dictionary.remove(self._store, self.tenant_id, entry_ids, self._surroundings.clock())

    # ---- memory and conversation

    def memories(self, user: str, at: int | None = None) -> tuple[remembering.Memory, ...]:
        """What is remembered of a user, the newest first: neither forgotten nor expired.

        Args:
            at: nanoseconds since 1970 UTC; by default the clock.
        """
        moment = self._surroundings.clock() if at is None else names.parse_time_ns(at, "at")
        rows = self._memories.held(self.tenant_id, names.parse_user_id(user), moment)
        return remembering.held_memories(rows)

    def rebuild_memories(self, user: str) -> int:
        """Build what is remembered of a user again from the ledger; returns the number of rows."""
        return self._memories.rebuild(self.tenant_id, names.parse_user_id(user))

    def append_answer(
        self,
        user: str,
        device: str,
        text: str,
        *,
        correlation: str,
        turn: int,
        privacy_scope: str = "PRIVATE",
    ) -> bool:
        """Keep what the assistant said in a turn, so that the conversation is whole.

        Returns whether it was added; False where that turn has an answer already. Raises BadField,
        ScopeRefused, Fault.
        """
        scope = codec.Scope(
            self.tenant_id, names.parse_user_id(user), names.parse_device_id(device)
        )
        place = codec.Place(
            names.parse_correlation_id(correlation),
            names.parse_turn_id(turn),
            names.IdempotencyKey(""),
        )
        line = utterance(
            scope,
            place,
            nlp.check_utterance(text),
            self._surroundings.clock(),
            role="SELENE",
            source="SELENE_OUTPUT",
            privacy_scope=privacy_scope,
        )
        return self._store.append_utterance(line)

    # ---- erasure

    def erase(self, user: str, *, reason: str) -> erasing.Erasure:
        """Destroy the key of a user's words: what was said, remembered and recorded of them.

        Their rows stay, and every proof of them holds. A user who goes on writing has a new key.

        Args:
            reason: why, 1 to 256 bytes; encrypted with the tenant's own key.

        Raises:
            UnderHold: a legal hold keeps them. NotFound: no such user. BadField, Fault.
        """
        return erasing.erase(self._store, *self._custody(user), reason, *self._now())

    def hold(self, user: str, *, reason: str) -> erasing.Held:
        """Keep a user from being erased, until `release`. Raises BadField, NotFound, Fault."""
        return erasing.hold(self._store, *self._custody(user), reason, *self._now())

    def release(self, user: str, *, reason: str) -> erasing.Held:
        """End a user's hold. Raises NotFound: they are not held. BadField, Fault."""
        return erasing.release(self._store, *self._custody(user), reason, *self._now())

    def holds(self) -> list[erasing.Held]:
        """The holds in force, the oldest first."""
        return erasing.holds(self._store, self.tenant_id)

    def _custody(self, user: str) -> tuple[names.TenantId, names.UserId]:
        return self.tenant_id, names.parse_user_id(user)

    def _now(self) -> tuple[int, Callable[[], names.EventId]]:
        return self._surroundings.clock(), self._surroundings.event_id

    # ---- reading

    def trace(self, correlation: str) -> list[AuditEvent]:
        """The decisions of one conversation, by turn. Raises BadField."""
        return self._store.trace(self.tenant_id, names.parse_correlation_id(correlation))

    def conversation(self, correlation: str) -> list[Utterance]:
        """What was said in one conversation, by turn. Raises BadField."""
        return self._store.conversation(self.tenant_id, names.parse_correlation_id(correlation))

    def record(self, event_id: str) -> dict[str, Any] | None:
        """What is needed to decide one event again, or None. Raises BadField, Erased."""
        found = self._store.record(self.tenant_id, names.parse_event_id(event_id))
        return None if found is None else records.decode(found)

    def decision(self, event_id: str) -> Recorded:
        """One event with its record, which is None where it has none.

        Raises:
            BadField: no event's id. NotFound: no such event, also for another tenant's.
        """
        named = names.parse_event_id(event_id)
        event = self._store.event(self.tenant_id, named)
        if event is None:
            raise NotFound(f"{named!r} is not known", "Check its id.", field="event_id")
        return event, self._store.record(self.tenant_id, named)

    def made_by(self, event_ids: Sequence[str]) -> dict[names.EventId, MadeBy]:
        """What made each of these events; those without a record are left out. Raises BadField."""
        named = [names.parse_event_id(one) for one in event_ids]
        return self._store.insight.made_by(self.tenant_id, named) if named else {}

    # ---- proofs

    def checkpoint(self, size: int | None = None) -> CheckpointRow:
        """The newest checkpoint, or that of a size. Raises BadField, NotFound."""
        if size is not None:
            names.check_count("size", size, 1, names.TIME_NS_MAX)
        row = self._store.proofs.checkpoint(self.tenant_id, size)
        if row is None:
            raise NotFound(
                "names no checkpoint", "Make one: POST seal, or `selene seal`.", field="size"
            )
        return row

    def checkpoints(self, after: int = 0, rows: int = 50) -> list[CheckpointRow]:
        """Checkpoints of more than `after` leaves, the smallest first. Raises BadField."""
        names.check_count("after", after, 0, names.TIME_NS_MAX)
        names.check_count("rows", rows, 1, PAGE_ROWS_MAX)
        return self._store.proofs.checkpoints(self.tenant_id, after, rows)

    def proof(self, event_id: str) -> Case:
        """What proves one event against the newest checkpoint: evidence of that row alone.

        Raises:
            BadField: no event's id. NotFound: no such event, or it is not sealed yet. Fault: the
            ledger does not prove what it holds.
        """
        from selene_os import proving

        event, _ = self.decision(event_id)
        return proving.proof_of(self._store.proofs, event)

    def bundle(
        self,
        correlation: str,
        *,
        against: bytes | None = None,
        unsealed: bool = False,
        with_inputs: bool = False,
    ) -> bytes:
        """The evidence of one conversation as one file, for whoever must check it without Selene.

        Args:
            against: an older checkpoint that somebody kept; that the log still begins with it is
                proven along.
            unsealed: carry rows that are not sealed yet, marked as not proven.
            with_inputs: disclose what was said, with the keys of these rows alone.

        Raises:
            NotFound: there is no such conversation. BadField: it is not sealed, or `against` is not
            of this log. Fault: the ledger does not prove what it holds, or a key is not here.
        """
        # Here, because few of those who take turns ask for evidence.
        from selene_os import proving
        from selene_os.proof import bundle

        correlation_id, inputs = names.parse_correlation_id(correlation), None
        if with_inputs:
            log = self._store
            inputs = proving.inputs_of(log.proofs, log.disclose, self.tenant_id, correlation_id)
        case = proving.case_of(
            self._store.proofs,
            self.tenant_id,
            correlation_id,
            against=against,
            unsealed=unsealed,
            inputs=inputs,
        )
        return bundle.write(case)

    def is_erased(self, event_id: str) -> bool:
        """Whether the words behind an event were erased. Raises BadField."""
        found = self._store.record(self.tenant_id, names.parse_event_id(event_id))
        return found is not None and found.key_id == ERASED_KEY_ID

    def search(
        self,
        *,
        intent: str | None = None,
        reason: str | int | None = None,
        decision: str | None = None,
        user: str | None = None,
        device: str | None = None,
        since: int | None = None,
        until: int | None = None,
        after: str | None = None,
        rows: int = 50,
    ) -> Page:
        """Find decisions, the newest first; all that is given must hold.

        Args:
            intent: an intent type. decision: one of `DECISIONS`.
            reason: a reason code by its name or number. user, device: whose, where.
            since, until: nanoseconds since 1970 UTC; the first is inclusive, the second not.
            after: the cursor of the page before.
            rows: of one page, 1 to 1,000.

        Raises:
            BadField: a value is outside its bounds. Fault: the ledger cannot be read.
        """
        if not 1 <= rows <= PAGE_ROWS_MAX:
            raise BadField("rows", f"is not 1 to {PAGE_ROWS_MAX}", "Ask for fewer, page by page.")
        wanted = Wanted(
            None if intent is None else names.check_text("intent", intent, _WORDS_MAX),
            None if reason is None else reason_number(reason),
            None if decision is None else _parse_decision(decision),
            None if user is None else names.parse_user_id(user, "user"),
            None if since is None else names.parse_time_ns(since, "since"),
            None if until is None else names.parse_time_ns(until, "until"),
            None if after is None else _parse_cursor(after),
            None if device is None else names.parse_device_id(device, "device"),
        )
        # One more than asked for tells whether there is a next page.
        found = self._store.search(self.tenant_id, wanted, rows + 1)
        page = tuple(found[:rows])
        return Page(page, _cursor(page[-1]) if len(found) > rows else None)


def _parse_decision(given: str) -> str:
    if given not in DECISIONS:
        raise BadField("decision", "is not known", f"Give {' | '.join(DECISIONS)}.")
    return given


def _cursor(event: AuditEvent) -> str:
    return f"{event.created_at}.{event.event_id}"


def _parse_cursor(text: str) -> tuple[int, names.EventId]:
    at, dot, event_id = text.partition(".")
    if not dot or not at.isdecimal() or not at.isascii() or len(at) > 19:
        raise BadField("after", "is no cursor of a search", "Give the cursor of the page before.")
    return names.parse_time_ns(int(at), "after"), names.parse_event_id(event_id)
