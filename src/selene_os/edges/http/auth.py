"""Whose request it is: the key in the Authorization header, and what is noted of its use."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from selene_os.edges.apikeys import ADMIN, AUDIT, EXPORT, READ, WRITE
from selene_os.errors import Fault
from selene_os.ledger.access import OUTCOMES, AccessEvent
from selene_os.names import TenantId

Headers = list[tuple[bytes, bytes]]
SCOPES: Final = (ADMIN, AUDIT, EXPORT, READ, WRITE)

OK, REFUSED = OUTCOMES
_TOKEN_BYTES_MAX: Final = 256
_KEPT_MAX: Final = 10_000
_TOLD_EVERY_S: Final = 60.0
_log: Final = logging.getLogger("selene.http")


class Checked(Protocol):
    """A key that is known, neither revoked nor expired."""

    @property
    def tenant_id(self) -> TenantId: ...
    @property
    def key_id(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...


class Ended(NamedTuple):
    """A key that is of no use any more, shown by who has its secret.

    reason is what an access event says: KeyRevoked or KeyExpired.
    """

    tenant_id: TenantId
    key_id: str
    reason: str


Check = Callable[[str], Checked | Ended | None]
Note = Callable[[AccessEvent], None]


def token_of(headers: Headers) -> str | None:
    """The token of `Authorization: Bearer …`; None where there is none, or more than one."""
    given = [value for name, value in headers if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(b" ")
    token = token.strip(b" ")
    if scheme.lower() != b"bearer" or not 1 <= len(token) <= _TOKEN_BYTES_MAX:
        return None
    try:
        return token.decode("ascii")
    except UnicodeDecodeError:
        return None


class _Untold:
    """Counts what anybody could make happen by the thousand, to be told once a minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told_at = -_TOLD_EVERY_S
        self._count = 0

    def note(self) -> int:
        """Count one: how many there were since it was told, or 0 where that was just now."""
        self._count += 1
        now = self._clock()
        if now - self._told_at < _TOLD_EVERY_S:
            return 0
        told, self._told_at, self._count = self._count, now, 0
        return told


class KnownKeys:
    """Keys that were found good a moment ago, so that few requests wait for the ledger.

    Used from one thread, the event loop's. Only good keys are kept, and none by its own text.

    Args:
        kept_s: for how long; a key that is revoked works that much longer.
        clock: seconds, which only rise.
    """

    def __init__(self, kept_s: float, clock: Callable[[], float]) -> None:
        self._kept_s = kept_s
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[Checked, float]] = OrderedDict()
        self.refused = 0
        self._unknown, self._faults = _Untold(clock), _Untold(clock)

    def find(self, token: str) -> Checked | None:
        """The key of a token, if that was found good just now."""
        found = self._known.get(_digest(token))
        return None if found is None or found[1] <= self._clock() else found[0]

    def keep(self, token: str, key: Checked) -> None:
        """Keep that a token is good."""
        self._known[_digest(token)] = (key, self._clock() + self._kept_s)
        if len(self._known) > _KEPT_MAX:
            self._known.popitem(last=False)

    def note_unknown(self) -> None:
        """Count a request without a good key, and log that there are some, once a minute."""
        self.refused += 1
        if count := self._unknown.note():
            _log.warning("requests without a good key: %d", count)

    def note_fault(self, fault: Fault) -> None:
        """Count a key that could not be looked up, and log why the last could not, once a minute.

        Not a line for each: who has no key could fill the disk.
        """
        if count := self._faults.note():
            _log.error("keys not looked up: %d; %s: %s", count, fault.code, fault.problem)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
