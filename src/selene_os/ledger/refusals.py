"""The words of what a store refuses beyond scope: the same for every store."""

from __future__ import annotations

from selene_os.errors import (
    BadField,
    ConfirmationRefused,
    Fault,
    IdempotencyConflict,
    NotFound,
    Overtaken,
    RegistrationRefused,
)
from selene_os.ledger.events import PLAIN_KEY_ID, AuditEvent, Disclosed, ReplayRecord
from selene_os.names import DeviceId, SessionId, TenantId, UserId


def key_conflict(event: AuditEvent) -> IdempotencyConflict:
    """The key of an event names another decision already."""
    return IdempotencyConflict(
        f"{event.idempotency_key!r} names another decision of this conversation",
        "Choose another key; nothing was written.",
        field="idempotency_key",
    )


def row_refused() -> BadField:
    """A row breaks a check of the database; what the driver said is its cause."""
    return BadField("row", "was refused by the database", "Build it with the repositories.")


def event_elsewhere(event_id: str) -> Fault:
    """The scope holds and the key is free: only the id can have been in the way."""
    return Fault(f"event {event_id} is there under another key", "Report this.")


def turn_overtaken(event: AuditEvent) -> Overtaken:
    """The turn was taken as the next one, and is not the next one any more."""
    return Overtaken(
        f"{event.turn_id} is not the next turn any more", "Take the next one.", field="turn_id"
    )


def profile_overtaken() -> Overtaken:
    """A profile was made from one that is not the newest any more."""
    return Overtaken(
        "has a newer profile than this one was made from", "Decide it again.", field="user_id"
    )


def draft_settled() -> ConfirmationRefused:
    """A draft was confirmed, declined or changed before."""
    return ConfirmationRefused(
        "was confirmed, declined or changed already",
        "Say what is wanted again; it becomes a draft of its own.",
        field="draft_event_id",
        reason="X_DRAFT_SETTLED",
    )


def draft_elsewhere() -> ConfirmationRefused:
    """What is to be settled is no draft of this user's in this conversation."""
    return ConfirmationRefused(
        "names no draft of this user's in this conversation",
        "Name the event of a draft, in its own conversation.",
        field="draft_event_id",
        reason="X_DRAFT_UNFIT",
    )


def tenant_unknown(tenant_id: TenantId) -> NotFound:
    """There is no such tenant."""
    return NotFound(
        f"{tenant_id!r} is not known", "Add it with `selene tenant add`.", field="tenant_id"
    )


def user_unknown(user_id: UserId) -> NotFound:
    """There is no such user in the tenant."""
    return NotFound(
        f"{user_id!r} is not registered with this tenant",
        "Register the user: POST identities, or `selene register`.",
        field="user_id",
    )


def user_disabled(user_id: UserId) -> RegistrationRefused:
    """Nothing is registered for a disabled user."""
    return RegistrationRefused(
        f"{user_id!r} is disabled",
        "Enable the user: PATCH identities/{user_id}, or `selene identity enable`.",
        field="user_id",
    )


def device_taken(device_id: DeviceId) -> RegistrationRefused:
    """The same words whether another user or another tenant holds the device."""
    return RegistrationRefused(
        f"{device_id!r} cannot be registered for this user",
        "Choose another name for the device.",
        field="device_id",
    )


def session_taken(session_id: SessionId) -> RegistrationRefused:
    """The session cannot be opened under this name."""
    return RegistrationRefused(
        f"{session_id!r} is closed, or of another user or device",
        "Choose another name for the session.",
        field="session_id",
    )


def session_unknown(session_id: SessionId) -> NotFound:
    """There is no such session in the tenant."""
    return NotFound(f"{session_id!r} is not known", "Check its name.", field="session_id")


def session_closed(session_id: SessionId) -> RegistrationRefused:
    """A session ends once."""
    return RegistrationRefused(
        f"{session_id!r} is closed already", "Open a new session.", field="session_id"
    )


def key_unknown(key_id: str) -> NotFound:
    """There is no such key in the tenant."""
    return NotFound(
        f"{key_id!r} is no key of this tenant", "See `selene apikey list`.", field="key_id"
    )


def key_ended(key_id: str) -> RegistrationRefused:
    """Only a key that is still of use is replaced, once, by one that may do the same."""
    return RegistrationRefused(
        f"{key_id!r} has ended, was replaced already, or has other scopes",
        "Add a key with `selene apikey add`.",
        field="key_id",
    )


def operator_taken(login: str) -> RegistrationRefused:
    """One operator has one login."""
    return RegistrationRefused(f"{login!r} is taken", "Choose another login.", field="login")


def operator_unknown(login: str) -> NotFound:
    """There is no such operator."""
    return NotFound(f"{login!r} is not known", "See `selene operator list`.", field="login")


def node_missing(tenant_id: TenantId, level: int, place: int) -> Fault:
    """A hash that the tree's size says must be there."""
    return Fault(
        f"the tree of tenant {tenant_id} lacks node {place} of level {level}",
        "Run `selene verify`.",
    )


def not_waiting() -> Fault:
    """Rows to be sealed that are not among those that wait, though nobody else sealed them."""
    return Fault("rows to be sealed do not wait for it", "See `selene doctor`.")


def plainly(kept: ReplayRecord | None) -> Disclosed | None:
    """A plain record as it is disclosed; another one needs the store that has its keys."""
    if kept is None:
        return None
    if kept.key_id != PLAIN_KEY_ID:
        raise Fault(f"the record's key {kept.key_id} is not here", "Provide the key.")
    return Disclosed(kept.record, None, kept.record)
