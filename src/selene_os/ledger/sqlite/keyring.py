"""A keyring in one file, beside a ledger in another: what is destroyed leaves no trace in it.

secure_delete writes zeros over what goes, and there is no log beside the file that would keep it:
the rollback journal is removed at each commit. What a disk or a file system keeps of older blocks
is theirs to say; wrapped keys open nothing without the root key.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import apsw

from selene_os.errors import KeysMissing, LedgerUnavailable, SchemaDiffers, UnderHold
from selene_os.ledger import migrations
from selene_os.ledger.events import columns_of
from selene_os.ledger.keyrings import TABLES, Hold, Rows, TenantKey, WrappedKey
from selene_os.ledger.sqlite.connection import BUSY_WAIT_MS, is_there, unavailable
from selene_os.names import TenantId
from selene_os.reasons import ReasonCode

T = TypeVar("T")
_LEDGER: Final = "keyring"
_TENANT: Final = f"SELECT {columns_of(TenantKey)} FROM tenant_keys WHERE tenant_id = ?"
_KEYS: Final = f"SELECT {columns_of(WrappedKey)} FROM user_keys WHERE tenant_id = ?"
_LIVE: Final = f"{_KEYS} AND subject = ? AND wrapped IS NOT NULL"
_KEY: Final = f"{_KEYS} AND key_id = ?"
_ALL: Final = f"{_KEYS} AND (?2 IS NULL OR subject = ?2) ORDER BY created_at, key_id"
_HOLDS: Final = f"SELECT {columns_of(Hold)} FROM holds WHERE tenant_id = ?"
_ADD_TENANT: Final = f"INSERT INTO tenant_keys ({columns_of(TenantKey)}) VALUES (?, ?, ?, ?)"
_ADD_KEY: Final = f"INSERT INTO user_keys ({columns_of(WrappedKey)}) VALUES (?, ?, ?, ?, ?, ?)"
_ADD_HOLD: Final = f"INSERT INTO holds ({columns_of(Hold)}) VALUES (?, ?, ?, ?, ?)"
_DESTROY: Final = (
    "UPDATE user_keys SET wrapped = NULL, destroyed_at = ?3"
    " WHERE tenant_id = ?1 AND key_id = ?2 AND wrapped IS NOT NULL"
)
_RELEASE: Final = (
    "UPDATE holds SET released_at = ?3"
    " WHERE tenant_id = ?1 AND hold_id = ?2 AND released_at IS NULL"
)


def create(path: str) -> bool:
    """Make the file if it is missing, for its owner alone; whether it was made.

    Raises:
        LedgerUnavailable: the path cannot be written. SchemaDiffers: a newer version made it.
    """
    made = not is_there(path)
    if made:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise LedgerUnavailable(
                f"{path} cannot be created ({error.strerror})", "Choose a folder you can write to."
            ) from error
    try:
        connection = _connect(path)
        try:
            known = migrations.load(_LEDGER)
            with connection:
                done = _version(connection)
                _check_version(done, path)
                for migration in known[done:]:
                    connection.execute(migration.sql)
                connection.execute(f"PRAGMA user_version = {len(known)}")
        finally:
            connection.close()
    except apsw.Error as error:
        raise unavailable(path, error) from error
    return made


def rows(path: str) -> Rows:
    """Everything that a keyring holds, of one moment; nothing where there is no file."""
    if not is_there(path):
        return dict.fromkeys(TABLES, ())
    try:
        connection = _connect(path)
        try:
            connection.execute("BEGIN")
            return {
                table: connection.execute(
                    f"SELECT {columns} FROM {table} ORDER BY {key}"
                ).fetchall()
                for table, (columns, key) in TABLES.items()
            }
        finally:
            connection.close()
    except apsw.Error as error:
        raise unavailable(path, error) from error


class SqliteKeyring:
    """A keyring in one file; see `ledger.keyrings.Keyring` for what each method does.

    Args:
        path: an existing file, made by `create`.

    Raises:
        KeysMissing: there is no such file. SchemaDiffers: another version made it.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        if not is_there(path):
            raise KeysMissing(
                f"{path} does not exist", "Put the keyring back; without it nothing can be read."
            )
        try:
            self._connection = _connect(path)
            done = _version(self._connection)
        except apsw.Error as error:
            raise unavailable(path, error) from error
        if done != len(migrations.load(_LEDGER)):
            self._connection.close()
            _check_version(done, path)
            raise SchemaDiffers(f"{path} is no keyring of this version", "Run `selene db upgrade`.")
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._closed = False

    def close(self) -> None:
        with self._lock:
            if not self._closed and os.getpid() == self._pid:
                self._connection.close()
            self._closed = True

    def tenant_key(self, tenant_id: TenantId) -> TenantKey | None:
        rows = self._rows(_TENANT, (tenant_id,))
        return TenantKey._make(rows[0]) if rows else None

    def add_tenant_key(self, key: TenantKey) -> TenantKey:
        return self._added(_ADD_TENANT, key, _TENANT, (key.tenant_id,), TenantKey._make)

    def live_key(self, tenant_id: TenantId, subject: str) -> WrappedKey | None:
        rows = self._rows(_LIVE, (tenant_id, subject))
        return WrappedKey._make(rows[0]) if rows else None

    def add_key(self, key: WrappedKey) -> WrappedKey:
        place = (key.tenant_id, key.subject)
        return self._added(_ADD_KEY, key, _LIVE, place, WrappedKey._make)

    def key(self, tenant_id: TenantId, key_id: str) -> WrappedKey | None:
        rows = self._rows(_KEY, (tenant_id, key_id))
        return WrappedKey._make(rows[0]) if rows else None

    def keys(self, tenant_id: TenantId, subject: str | None) -> list[WrappedKey]:
        return list(map(WrappedKey._make, self._rows(_ALL, (tenant_id, subject))))

    def destroy_key(self, tenant_id: TenantId, key_id: str, at: int) -> bool:
        if self.key(tenant_id, key_id) is None:
            raise KeysMissing(f"{self.name} holds no key {key_id}", "See `selene doctor`.")
        try:
            return self._changed(_DESTROY, (tenant_id, key_id, at))
        except apsw.ConstraintError as error:
            raise UnderHold(
                "is held",
                "See `selene hold --list`.",
                field="user_id",
                reason=ReasonCode.J_USER_UNDER_HOLD.name,
            ) from error

    def add_hold(self, hold: Hold) -> Hold:
        place = (hold.tenant_id, hold.subject)
        in_force = f"{_HOLDS} AND subject = ? AND released_at IS NULL"
        return self._added(_ADD_HOLD, hold, in_force, place, Hold._make)

    def release_hold(self, tenant_id: TenantId, hold_id: str, at: int) -> bool:
        return self._changed(_RELEASE, (tenant_id, hold_id, at))

    def holds(self, tenant_id: TenantId) -> list[Hold]:
        rows = self._rows(f"{_HOLDS} ORDER BY created_at, hold_id", (tenant_id,))
        return list(map(Hold._make, rows))

    # ---- how it reads and changes

    def _rows(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return self._run(lambda connection: connection.execute(statement, values).fetchall())

    def _changed(self, statement: str, values: tuple[Any, ...]) -> bool:
        def change(connection: apsw.Connection) -> bool:
            connection.execute(statement, values)
            return connection.changes() > 0

        return self._run(change)

    def _added(
        self,
        statement: str,
        row: tuple[Any, ...],
        look: str,
        place: tuple[Any, ...],
        make: Callable[[tuple[Any, ...]], T],
    ) -> T:
        """Insert a row, unless a guard leaves it out; then what is there, in one transaction."""

        def add(connection: apsw.Connection) -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute(statement, row)
                found = connection.execute(look, place).fetchall()
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
            return make(found[0])

        return self._run(add)

    def _run(self, act: Callable[[apsw.Connection], T]) -> T:
        with self._lock:
            if self._closed or os.getpid() != self._pid:
                raise LedgerUnavailable(
                    f"{self.name} was closed, or opened by another process",
                    "Open the ledger again, in this process.",
                )
            try:
                return act(self._connection)
            except apsw.ConstraintError:
                raise
            except apsw.Error as error:
                raise unavailable(self.name, error) from error


def _connect(path: str) -> apsw.Connection:
    connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(BUSY_WAIT_MS)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _version(connection: apsw.Connection) -> int:
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    return int(str(version))


def _check_version(done: int, path: str) -> None:
    if done > len(migrations.load(_LEDGER)):
        raise SchemaDiffers(f"{path} was made by a newer version", "Use that version.")
