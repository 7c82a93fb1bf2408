"""Requests that say who may write and how values are read.

Written by tests/client_writing.py from the API's description; not by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from selene_os.client.answers import (
    Applied,
    Closed,
    Identity,
    Imported,
    Registered,
    Settings,
    Terms,
)
from selene_os.client.asking import UNSET, Ask, Unset, ask


def add_identity(user_id: str) -> Ask[Registered]:
    """Add a user; adding them again changes nothing.

    Args:
        user_id: The user.
    """
    return ask("addIdentity", "POST", ("identities",), Registered, body={"user_id": user_id})


def change_identity(user_id: str, status: Literal["ACTIVE", "DISABLED"]) -> Ask[Identity]:
    """Refuse a user's writes from now on, or accept them again."""
    return ask(
        "changeIdentity",
        "PATCH",
        (
            "identities",
            user_id,
        ),
        Identity,
        body={"status": status},
    )


def add_device(user_id: str, device_id: str) -> Ask[Registered]:
    """Add a device of a user.

    A user who is missing is added with it.

    Args:
        user_id: The user.
        device_id: A device of that user's.
    """
    return ask(
        "addDevice",
        "POST",
        ("devices",),
        Registered,
        body={"user_id": user_id, "device_id": device_id},
    )


def open_session(user_id: str, device_id: str, session_id: str) -> Ask[Registered]:
    """Open a session on a device.

    What is missing is added with it: the user, the device, the session.

    Args:
        user_id: The user.
        device_id: A device of that user's.
        session_id: A session on that device.
    """
    return ask(
        "openSession",
        "POST",
        ("sessions",),
        Registered,
        body={"user_id": user_id, "device_id": device_id, "session_id": session_id},
    )


def close_session(session_id: str) -> Ask[Closed]:
    """End a session for good."""
    return ask(
        "closeSession",
        "POST",
        (
            "sessions",
            session_id,
            "close",
        ),
        Closed,
        repeatable=False,
    )


def delete_session(session_id: str) -> Ask[Closed]:
    """End a session for good; the same as closing it."""
    return ask(
        "deleteSession",
        "DELETE",
        (
            "sessions",
            session_id,
        ),
        Closed,
        repeatable=False,
    )


def get_settings() -> Ask[Settings]:
    """Read the tenant's settings."""
    return ask("getSettings", "GET", ("settings",), Settings)


def change_settings(
    *,
    currency: str | Unset | None = UNSET,
    time_policy: Literal["ask", "next_occurrence"] | Unset | None = UNSET,
    date_order: Literal["DMY", "MDY", "YMD"] | Unset | None = UNSET,
    zone: str | Unset | None = UNSET,
    confirm_within_s: int | Unset | None = UNSET,
) -> Ask[Settings]:
    """Change settings; null takes one back.

    Args:
        currency: ISO 4217.
        zone: An IANA time zone, like Europe/Berlin.
    """
    return ask(
        "changeSettings",
        "PATCH",
        ("settings",),
        Settings,
        body={
            "currency": currency,
            "time_policy": time_policy,
            "date_order": date_order,
            "zone": zone,
            "confirm_within_s": confirm_within_s,
        },
    )


def list_terms() -> Ask[Terms]:
    """List the tenant's terms."""
    return ask("listTerms", "GET", ("terms",), Terms)


def import_terms(
    terms: Sequence[Mapping[str, Any]], *, replace_all: bool = False, skip_refused: bool = False
) -> Ask[Imported]:
    """Import terms; each line is told what became of it.

    Where one line is refused nothing is written, unless `skip_refused` is given.
    """
    return ask(
        "importTerms",
        "POST",
        ("terms",),
        Imported,
        body={"terms": terms, "replace_all": replace_all, "skip_refused": skip_refused},
    )


def remove_term(entry_id: str) -> Ask[Imported]:
    """Take one term out."""
    return ask(
        "removeTerm",
        "DELETE",
        (
            "terms",
            entry_id,
        ),
        Imported,
        repeatable=False,
    )


def apply_memory(draft_event_id: str, *, confirmation_event_id: str | None = None) -> Ask[Applied]:
    """Do what a confirmed MEMORY_… draft says, if the gates let it.

    Args:
        draft_event_id: An event's id, a UUID of version 7.
        confirmation_event_id: An event's id, a UUID of version 7.
    """
    return ask(
        "applyMemory",
        "POST",
        (
            "memories",
            "apply",
        ),
        Applied,
        body={"draft_event_id": draft_event_id, "confirmation_event_id": confirmation_event_id},
    )
