"""Operators of the console: how a password is kept and checked, and whose rows each may see.

Passwords are hashed by argon2id, with the second set of parameters that RFC 9106 recommends.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Final

from selene_os.errors import BadField, Fault
from selene_os.ledger import refusals
from selene_os.ledger.access import LOGIN_BYTES_MAX, TENANTS_BYTES_MAX, Access, OperatorRow
from selene_os.names import TenantId, parse_tenant_id

if TYPE_CHECKING:
    from argon2 import PasswordHasher

EVERY_TENANT: Final = "*"
PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_BYTES_MAX: Final = 256
_PASSES: Final = 3
_MEMORY_KIB: Final = 65_536
_LANES: Final = 4
_LOGIN: Final = re.compile(r"[a-z0-9_.@+-]{1,64}", re.ASCII)


def parse_login(value: object) -> str:
    """Parse an operator's login: 1 to 64 of a-z 0-9 _ . @ + - ; raises BadField."""
    if not isinstance(value, str) or not _LOGIN.fullmatch(value):
        raise BadField(
            "login",
            f"must be 1 to {LOGIN_BYTES_MAX} of a-z 0-9 _ . @ + -",
            "Choose one of these characters.",
        )
    return value


def parse_tenants(given: Iterable[str]) -> str:
    """The tenants of an operator as a row keeps them: each once, sorted. Raises BadField."""
    named = " ".join(sorted({parse_tenant_id(one) for one in given}))
    if not 1 <= len(named) <= TENANTS_BYTES_MAX:
        raise BadField(
            "tenants",
            f"are {len(named)} bytes of names; 1 to {TENANTS_BYTES_MAX} are accepted",
            "Name at least one." if not named else "Let this operator see all of them.",
        )
    return named


def may_see(row: OperatorRow, tenant_id: TenantId) -> bool:
    """Whether a tenant is among those that an operator was given."""
    return row.tenants == EVERY_TENANT or tenant_id in row.tenants.split(" ")


def hash_password(password: str) -> str:
    """A password's argon2id hash, with a salt of its own. Raises BadField: too short, too long."""
    return _hasher().hash(_checked(password))


def _checked(password: str) -> bytes:
    # One keyboard's é is another's e and accent.
    text = unicodedata.normalize("NFC", password)
    try:
        given = text.encode()
    except UnicodeEncodeError as error:
        raise BadField("password", "is no UTF-8", "Choose other characters.") from error
    if len(text) < PASSWORD_CHARACTERS_MIN:
        raise BadField(
            "password",
            f"has {len(text)} characters; {PASSWORD_CHARACTERS_MIN} or more are accepted",
            "Choose a longer one: a few words will do.",
        )
    if len(given) > PASSWORD_BYTES_MAX:
        raise BadField(
            "password",
            f"is {len(given)} bytes of UTF-8; up to {PASSWORD_BYTES_MAX} are accepted",
            "Choose a shorter one.",
        )
    return given


@cache
def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher
    except ImportError as error:
        raise Fault(
            f"the hash of passwords is not installed ({error})",
            "Install it: pip install 'selene-os[server]'.",
        ) from error
    return PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)


@cache
def _nobodys() -> str:
    """The hash of no password: what is checked where there is no such operator."""
    return _hasher().hash(os.urandom(32))


class Operators:
    """The operators of a ledger.

    Args:
        access: where they are kept.
        clock: nanoseconds since 1970 UTC.
    """

    def __init__(self, access: Access, clock: Callable[[], int]) -> None:
        self._access = access
        self._clock = clock

    def add(self, login: str, password: str, tenants: str) -> OperatorRow:
        """Add an operator.

        Args:
            tenants: EVERY_TENANT, or as `parse_tenants` gives them.

        Raises:
            BadField: login or password is none. RegistrationRefused: the login is taken.
        """
        at = self._clock()
        row = OperatorRow(parse_login(login), hash_password(password), tenants, at, None, at)
        if not self._access.add_operator(row):
            raise refusals.operator_taken(login)
        return row

    def check(self, login: str, password: str) -> None:
        """Whether an operator can be named so and have that password. Raises BadField."""
        parse_login(login)
        _checked(password)

    def verify(self, login: object, password: object) -> OperatorRow | None:
        """The operator who has this login and this password, and is not disabled; else None.

        As much work where there is no such operator as where there is one.
        """
        # First of all, so that it is not the first stranger's request that takes longer.
        nobodys = _nobodys()
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            given = _checked(password) if isinstance(password, str) else None
        except BadField:
            given = None
        if given is None:
            # It can be nobody's, whoever was named.
            return None
        known = isinstance(login, str) and _LOGIN.fullmatch(login)
        row = self._access.operator(str(login)) if known else None
        try:
            _hasher().verify(nobodys if row is None else row.password, given)
        except (VerificationError, InvalidHashError):
            return None
        return None if row is None or row.disabled_at is not None else row

    def set_password(self, login: str, password: str) -> None:
        """Give an operator another password, which ends every session. Raises as `add`."""
        hashed = hash_password(password)
        self._access.set_operator(self._named(login), password=hashed, valid_after=self._clock())

    def set_tenants(self, login: str, tenants: str) -> None:
        """Let an operator see these tenants, and no others. Raises NotFound."""
        self._access.set_operator(self._named(login), tenants=tenants)

    def disable(self, login: str) -> None:
        """Let an operator in no more, and end every session. Raises NotFound."""
        at = self._clock()
        self._access.set_operator(self._named(login), disabled_at=at, valid_after=at)

    def enable(self, login: str) -> None:
        """Let an operator in again, by a new session. Raises NotFound."""
        self._access.set_operator(self._named(login), disabled_at=None)

    def _named(self, login: str) -> str:
        if not _LOGIN.fullmatch(login):
            raise refusals.operator_unknown(login)
        return login
