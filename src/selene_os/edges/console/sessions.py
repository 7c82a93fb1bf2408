"""Who is logged in: signed cookies, what a form proves by, and how often a login may be tried.

A cookie says who and since when, and is signed; whether that still counts is asked of the ledger,
at most five seconds ago. Nothing of a session is kept but those that were ended here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from selene_os.edges.http.throttling import Buckets
from selene_os.ledger.access import Access, OperatorRow

SESSION_S: Final = 12 * 3_600
ROW_KEPT_S: Final = 5.0
_ENDED_MAX: Final = 10_000
_NANOSECONDS: Final = 1_000_000_000
_PARTS: Final = 3
_KEY_BYTES_MIN: Final = 32


class Session(NamedTuple):
    """What a cookie says: whose it is, since when in nanoseconds, and a name of its own."""

    login: str
    begun_at: int
    nonce: str


class Sessions:
    """Makes and reads sessions.

    Args:
        access: where operators are kept.
        clock: nanoseconds since 1970 UTC.
        key: what signs, 32 bytes or more; without one sessions end with this process.
        monotonic: seconds, which only rise.
    """

    def __init__(
        self,
        access: Access,
        clock: Callable[[], int],
        key: bytes | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if key is not None and len(key) < _KEY_BYTES_MIN:
            raise ValueError(f"a session key has {_KEY_BYTES_MIN} bytes or more")
        self._access = access
        self._clock = clock
        self._key = key or os.urandom(_KEY_BYTES_MIN)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._rows: dict[str, tuple[OperatorRow | None, float]] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    def begin(self, login: str) -> str:
        """A session's cookie, for who proved to be that operator just now."""
        with self._lock:
            self._rows.pop(login, None)
        inner = f"{login}\n{self._clock()}\n{os.urandom(16).hex()}".encode()
        return f"{_base64(inner)}.{self._sign('session', inner)}"

    def read(self, cookie: str | None) -> tuple[Session, OperatorRow] | None:
        """Whose session a cookie is, and their row; None where it is none, or none any more."""
        session = self._session(cookie)
        if session is None:
            return None
        row = self._row(session.login)
        now = self._clock()
        good = (
            row is not None
            and row.disabled_at is None
            and row.valid_after <= session.begun_at <= now
            and now - session.begun_at < SESSION_S * _NANOSECONDS
        )
        with self._lock:
            ended = session.nonce in self._ended
        return (session, row) if good and row is not None and not ended else None

    def end(self, session: Session) -> None:
        """Take a session back, whoever still holds its cookie."""
        with self._lock:
            self._ended[session.nonce] = None
            if len(self._ended) > _ENDED_MAX:
                self._ended.popitem(last=False)

    def form_token(self, secret: str) -> str:
        """What a form must bring along, for one cookie: a session's, or a visitor's."""
        return self._sign("form", secret.encode())

    def is_form_token(self, secret: str, given: str) -> bool:
        """Whether a form brought what it was given."""
        return hmac.compare_digest(self.form_token(secret).encode(), given.encode())

    def _session(self, cookie: str | None) -> Session | None:
        body, dot, signature = (cookie or "").partition(".")
        try:
            inner = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        except (binascii.Error, ValueError):
            return None
        if not dot or not hmac.compare_digest(
            self._sign("session", inner).encode(), signature.encode()
        ):
            return None
        parts = inner.decode().split("\n")
        if len(parts) != _PARTS:
            return None
        return Session(parts[0], int(parts[1]), parts[2])

    def _row(self, login: str) -> OperatorRow | None:
        now = self._monotonic()
        with self._lock:
            row, until = self._rows.get(login, (None, -1.0))
        if until > now:
            return row
        row = self._access.operator(login)
        with self._lock:
            self._rows[login] = (row, now + ROW_KEPT_S)
            if len(self._rows) > _ENDED_MAX:
                self._rows.clear()
        return row

    def _sign(self, purpose: str, inner: bytes) -> str:
        keyed = hmac.new(self._key, purpose.encode() + b"\0" + inner, hashlib.sha256)
        return _base64(keyed.digest())


class Attempts:
    """How often a password may be tried: by login and address, by address, and by login.

    What is counted is what was given, so that a login that nobody has is shut out alike.

    Args:
        clock: seconds, which only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # One in 30 s behind five at once; 20 logins of one address; a hundred tries of one login.
        self._pairs = Buckets(1 / 30, 5, clock)
        self._addresses = Buckets(1 / 10, 20, clock)
        self._logins = Buckets(1 / 10, 100, clock)
        self._lock = threading.Lock()

    def take(self, login: str, address: str) -> int:
        """Try once: 0, or after how many seconds it may be tried again."""
        named = hashlib.sha256(login.encode(errors="replace")).hexdigest()
        with self._lock:
            return max(
                self._pairs.take(f"{named} {address}"),
                self._addresses.take(address),
                self._logins.take(named),
            )


def _base64(given: bytes) -> str:
    return base64.urlsafe_b64encode(given).decode().rstrip("=")
