"""Keys of the API: how one is made, read and checked.

A key is `sel_<tenant>_<key_id>_<secret>`. Names of tenants may hold a "_", so it is read from the
right, where lengths are fixed. The ledger keeps the SHA-256 of the secret: 256 random bits need no
slow hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from selene_os.errors import BadField, Fault, LedgerUnavailable
from selene_os.ledger.access import LABEL_BYTES_MAX, Access, ApiKeyRow
from selene_os.names import TenantId, check_text, parse_time_ns

ADMIN: Final = "admin"
AUDIT: Final = "audit"
EXPORT: Final = "export"
READ: Final = "read"
WRITE: Final = "write"
# Scope -> every scope that whoever holds it has. Least power: an admin neither writes nor reads.
IMPLIED: Final = {
    ADMIN: frozenset((ADMIN,)),
    AUDIT: frozenset((AUDIT, READ)),
    EXPORT: frozenset((EXPORT,)),
    READ: frozenset((READ,)),
    WRITE: frozenset((WRITE,)),
}
UNKNOWN: Final = "unknown"
EXPIRED: Final = "expired"
REVOKED: Final = "revoked"

SECRET_BYTES: Final = 32
CACHED_NS: Final = 5_000_000_000
ENTRIES_MAX: Final = 10_000
# How many look-ups a second are spent on keys that this process has not seen to be there.
STRANGERS_PER_S: Final = 50

# 32 of them, so that a byte's low bits choose evenly; none that looks like another.
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_KEY_ID_LENGTH: Final = 12
_KEY: Final = re.compile(r"sel_([A-Za-z0-9_.-]{1,64})_([a-z0-9]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_SECOND_NS: Final = 1_000_000_000
# What is compared with where there is no row: as much work as where there is one.
_NO_DIGEST: Final = bytes(32)


class Presented(NamedTuple):
    """The parts of a key's text."""

    tenant_id: TenantId
    key_id: str
    digest: bytes


class Checked(NamedTuple):
    """What became of a key that was presented: its row, or why there is none for it.

    ended is the row of a key that is of no use any more, apart so that nobody takes it for a good
    one.
    """

    row: ApiKeyRow | None
    why: str | None
    ended: ApiKeyRow | None = None


def parse_scopes(given: Iterable[str]) -> str:
    """Scopes as a row keeps them: each once, sorted. Raises BadField."""
    named = set(given)
    unknown = sorted(str(one) for one in named if one not in IMPLIED)
    if unknown or not named:
        problem = f"{unknown[0]!r:.40} is none" if unknown else "names none"
        raise BadField("scopes", problem, "Give " + " | ".join(IMPLIED) + ".")
    return " ".join(sorted(named))


def allows(row: ApiKeyRow, scope: str) -> bool:
    """Whether a key may do what a scope is for."""
    return any(scope in IMPLIED.get(one, ()) for one in row.scopes.split(" "))


def make_key(
    tenant_id: TenantId,
    scopes: Iterable[str],
    at: int,
    *,
    expires_at: int | None = None,
    label: str = "",
    random: Callable[[int], bytes] = os.urandom,
) -> tuple[ApiKeyRow, str]:
    """A new key: its row, and its text, which is kept nowhere.

    Args:
        at: now, in nanoseconds since 1970 UTC.
        expires_at: from when on it is of no use; None for never.
        random: so many random bytes.

    Raises:
        BadField: no such scope, a label too long, or an end that has been.
    """
    listed = parse_scopes(scopes)
    check_text("label", label, LABEL_BYTES_MAX, 0)
    if expires_at is not None and parse_time_ns(expires_at, "expires") <= at:
        raise BadField("expires", "is not to come", "Give a later time.")
    key_id = "".join(_LETTERS[byte & 31] for byte in random(_KEY_ID_LENGTH))
    secret = base64.urlsafe_b64encode(random(SECRET_BYTES)).decode().rstrip("=")
    row = ApiKeyRow(tenant_id, key_id, _digest(secret), listed, label, at, expires_at)
    return row, f"sel_{tenant_id}_{key_id}_{secret}"


def parse_key(text: object) -> Presented | None:
    """The parts of a key's text; None where it is none."""
    found = _KEY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    return Presented(TenantId(found[1]), found[2], _digest(found[3]))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


class ApiKeys:
    """Checks keys against a ledger, which it asks for each at most once in five seconds.

    What is revoked is of no use five seconds later at most. A key that is not there is remembered
    as well; and since a stranger may make up as many as they like, only so many look-ups a second
    are spent on keys that this process has not seen to be there. Beyond that the ledger is asked
    for the names of all its keys, once a second at most, and only what is among them is looked up:
    no good key waits for those that are made up, and none of these is answered otherwise.

    Args:
        access: the ledger's keys.
        clock: nanoseconds since 1970 UTC: what has expired.
        monotonic: nanoseconds of a clock that is never set: what is old.
        entries_max: keys remembered, those that are there and those that are not, each.
        strangers_per_s: look-ups a second for keys not seen to be there.
    """

    def __init__(
        self,
        access: Access,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
        *,
        entries_max: int = ENTRIES_MAX,
        strangers_per_s: int = STRANGERS_PER_S,
    ) -> None:
        self._access = access
        self._clock = clock
        self._monotonic = monotonic
        self._entries_max = entries_max
        self._strangers_max = strangers_per_s
        self._allowed = strangers_per_s * _SECOND_NS
        self._allowed_at = monotonic()
        self._lock = threading.Lock()
        # Every key's name, and when the ledger was asked for them; held while it is asked.
        self._naming = threading.Lock()
        self._names: tuple[int, frozenset[tuple[TenantId, str]]] | None = None
        # When it could not be asked for them, what was wrong, and what to do.
        self._unnamed: tuple[int, tuple[str, str]] | None = None
        # (tenant_id, key_id) -> when the ledger was asked, and what it said.
        self._known: OrderedDict[tuple[TenantId, str], tuple[int, ApiKeyRow]] = OrderedDict()
        self._absent: OrderedDict[tuple[TenantId, str], int] = OrderedDict()

    def check(self, text: object) -> Checked:
        """Whose key this is. Raises LedgerUnavailable where that cannot be found out.

        A wrong secret is answered as a key that is not there; only whoever holds the right one is
        told that it has expired, or was revoked.
        """
        presented = parse_key(text)
        if presented is None:
            return Checked(None, UNKNOWN)
        row = self._row(presented)
        digest = _NO_DIGEST if row is None else row.digest
        same = hmac.compare_digest(digest, presented.digest)
        if row is None or not same:
            return Checked(None, UNKNOWN)
        if row.revoked_at is not None:
            # Whatever the time: another machine's clock may be ahead.
            return Checked(None, REVOKED, row)
        if row.expires_at is not None and self._clock() >= row.expires_at:
            return Checked(None, EXPIRED, row)
        return Checked(row, None)

    def _row(self, presented: Presented) -> ApiKeyRow | None:
        name = (presented.tenant_id, presented.key_id)
        # Before the ledger is asked: what it says is as old as the question.
        now = self._monotonic()
        looked_up = True
        with self._lock:
            known = self._known.get(name)
            if known is not None and now - known[0] < CACHED_NS:
                self._known.move_to_end(name)
                return known[1]
            if known is None:
                absent = self._absent.get(name)
                if absent is not None and now - absent < CACHED_NS:
                    return None
                looked_up = self._spend(now)
        if not looked_up and not self._is_named(name, now):
            # Not remembered: it may be added in this very second.
            return None
        row = self._access.api_key(*presented[:2])
        with self._lock:
            if row is None:
                self._known.pop(name, None)
                self._absent[name] = now
                self._absent.move_to_end(name)
            else:
                self._absent.pop(name, None)
                self._known[name] = (now, row)
                self._known.move_to_end(name)
            for kept in (self._known, self._absent):
                while len(kept) > self._entries_max:
                    kept.popitem(last=False)
        return row

    def _spend(self, now: int) -> bool:
        """Take one look-up for a stranger, if there is one; a second's worth can be saved up."""
        most = self._strangers_max * _SECOND_NS
        gained = (now - self._allowed_at) * self._strangers_max
        self._allowed, self._allowed_at = min(most, self._allowed + gained), now
        if self._allowed < _SECOND_NS:
            return False
        self._allowed -= _SECOND_NS
        return True

    def _is_named(self, name: tuple[TenantId, str], now: int) -> bool:
        """Whether the ledger had a key of this name when it was asked for all of them."""
        with self._naming:
            if self._unnamed is not None and now - self._unnamed[0] < _SECOND_NS:
                raise LedgerUnavailable(*self._unnamed[1])
            if self._names is None or now - self._names[0] >= _SECOND_NS:
                try:
                    self._names = (now, frozenset(self._access.api_key_names()))
                except Fault as fault:
                    # Or each key that is made up would ask anew, and be waited for as long.
                    self._unnamed = (self._monotonic(), (fault.problem, fault.next_step))
                    raise
            return name in self._names[1]
