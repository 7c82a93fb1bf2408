"""What a user wants remembered: a ledger of changes, and what it adds up to.

Source: docs/spec/000 §3; bounds of the public Rust implementation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from selene_os.errors import BadField
from selene_os.ledger import codec
from selene_os.ledger.events import (
    ERASED_KEY_ID,
    PLAIN_KEY_ID,
    CurrentMemory,
    MemoryEvent,
    Receipt,
)
from selene_os.ledger.repositories import MakeId, one_of
from selene_os.ledger.store import Store
from selene_os.names import IdempotencyKey, TenantId, UserId, check_text, parse_time_ns

MEMORY_KEY_BYTES_MAX: Final = 128
MEMORY_VALUE_BYTES_MAX: Final = 256
PROVENANCE_BYTES_MAX: Final = 128
MEMORY_EVENTS: Final = ("STORED", "UPDATED", "FORGOTTEN")
LAYERS: Final = ("WORKING", "MICRO", "LONG_TERM")
SENSITIVITIES: Final = ("LOW", "SENSITIVE", "CONFIDENTIAL")
CONFIDENCES: Final = ("HIGH", "MED", "LOW")
CONSENTS: Final = ("NOT_REQUESTED", "CONFIRMED", "DENIED")
USE_POLICIES: Final = (
    "ALWAYS_USABLE",
    "REPEAT_CONFIRMED",
    "CONTEXT_RELEVANT_ONLY",
    "USER_REQUESTED_ONLY",
)


@dataclass(frozen=True, slots=True)
class Remembered:
    """One change of a user's memory, before it is a row.

    Attributes:
        event: STORED, UPDATED or FORGOTTEN.
        memory_key: 1 to 128 bytes.
        verbatim: what was said, 1 to 256 bytes; None exactly for FORGOTTEN.
        normalised: its normal form, or None.
        layer, sensitivity, confidence, consent, use_policy: one of the tables above.
        expires_at: nanoseconds since 1970 UTC, or None.
        provenance: where it comes from, 1 to 128 bytes.

    Raises:
        BadField: a value is outside these bounds, or consent is DENIED.
    """

    event: str
    memory_key: str
    verbatim: str | None
    provenance: str
    normalised: str | None = None
    layer: str = "LONG_TERM"
    sensitivity: str = "LOW"
    confidence: str = "HIGH"
    consent: str = "CONFIRMED"
    use_policy: str = "USER_REQUESTED_ONLY"
    expires_at: int | None = None

    def __post_init__(self) -> None:
        one_of("event", self.event, MEMORY_EVENTS)
        check_text("memory_key", self.memory_key, MEMORY_KEY_BYTES_MAX)
        if (self.event == "FORGOTTEN") != (self.verbatim is None):
            raise BadField(
                "verbatim", "is given exactly where something is remembered", "Mend the event."
            )
        for name in ("verbatim", "normalised"):
            if (value := getattr(self, name)) is not None:
                check_text(name, value, MEMORY_VALUE_BYTES_MAX)
        check_text("provenance", self.provenance, PROVENANCE_BYTES_MAX)
        one_of("layer", self.layer, LAYERS)
        one_of("sensitivity", self.sensitivity, SENSITIVITIES)
        one_of("confidence", self.confidence, CONFIDENCES)
        one_of("consent", self.consent, CONSENTS)
        one_of("use_policy", self.use_policy, USE_POLICIES)
        if self.expires_at is not None:
            parse_time_ns(self.expires_at, "expires_at")
        if self.consent == "DENIED":
            raise BadField("consent", "is DENIED", "Nothing is kept without consent.")


class Memories:
    """What a user wants remembered: a ledger, and what it adds up to."""

    def __init__(self, store: Store, make_id: MakeId) -> None:
        self._store = store
        self._make_id = make_id

    def append(
        self,
        tenant_id: TenantId,
        user_id: UserId,
        change: Remembered,
        key: IdempotencyKey,
        created_at: int,
    ) -> Receipt:
        """Append one change, deduped by (tenant, user, key). Raises ScopeRefused, Fault."""
        value = None
        if change.verbatim is not None:
            value = codec.encode_json(
                {"verbatim": change.verbatim, "normalised": change.normalised}
            )
        return self._store.append_memory(
            MemoryEvent(
                tenant_id,
                self._make_id(),
                user_id,
                change.memory_key,
                0,
                change.event,
                value,
                PLAIN_KEY_ID,
                change.layer,
                change.sensitivity,
                change.confidence,
                change.consent,
                change.use_policy,
                change.expires_at,
                change.provenance,
                key,
                parse_time_ns(created_at),
            )
        )

    def current(self, tenant_id: TenantId, user_id: UserId) -> list[CurrentMemory]:
        """What a user's memories add up to; a forgotten one is there, without value."""
        return self._store.memory_current(tenant_id, user_id)

    def held(self, tenant_id: TenantId, user_id: UserId, at: int) -> list[CurrentMemory]:
        """What is remembered of a user at a moment: neither forgotten nor expired, the newest last.

        Args:
            at: nanoseconds since 1970 UTC; what expires at this moment has expired.
        """
        rows = [row for row in self.current(tenant_id, user_id) if is_held(row, at)]
        return sorted(rows, key=lambda row: (row.updated_at, row.memory_key))

    def there(
        self, tenant_id: TenantId, user_id: UserId, key: IdempotencyKey
    ) -> MemoryEvent | None:
        """The change that a key names, or None."""
        events = self._store.memory_events(tenant_id, user_id)
        return next((event for event in events if event.idempotency_key == key), None)

    def rebuild(self, tenant_id: TenantId, user_id: UserId) -> int:
        """Build `current` again from the ledger alone; returns the number of rows."""
        return self._store.rebuild_memory(tenant_id, user_id)


def is_held(row: CurrentMemory, at: int) -> bool:
    """Whether a memory is there at a moment: neither forgotten, nor erased, nor expired."""
    if row.key_id == ERASED_KEY_ID:
        return False
    return row.active == 1 and (row.expires_at is None or row.expires_at > at)


def words_of(row: CurrentMemory) -> tuple[str | None, str | None]:
    """A memory's words and their normal form; None for what is not there, or cannot be read."""
    if row.key_id != PLAIN_KEY_ID or row.value is None:
        return None, None
    try:
        value = codec.decode_json(row.value)
    except (ValueError, RecursionError):
        return None, None
    said = (value.get(key) for key in ("verbatim", "normalised")) if isinstance(value, dict) else ()
    verbatim, normalised = [one if isinstance(one, str) else None for one in said] or (None, None)
    return verbatim, normalised
