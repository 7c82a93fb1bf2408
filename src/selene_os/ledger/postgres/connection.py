"""Connections to one PostgreSQL database, and what its errors mean."""

from __future__ import annotations

import re
from typing import Any, Final

import psycopg
from psycopg import conninfo

from selene_os.errors import (
    BadField,
    LedgerMissing,
    LedgerUnavailable,
    ScopeRefused,
    SeleneError,
)
from selene_os.ledger.refusals import event_elsewhere, row_refused

Connection = psycopg.Connection[tuple[Any, ...]]

STATEMENT_WAIT_MS: Final = 30_000
# Locks are held for a transaction's flush; who waits longer waits for somebody who sits on one.
LOCK_WAIT_MS: Final = 1_000
IDLE_IN_TRANSACTION_MS: Final = 60_000
# What each role has from its administrator, and each connection sets again: behind a pooler a
# session's own settings may be another's, and these are the same for all.
SESSION_SETTINGS: Final = {
    "statement_timeout": f"{STATEMENT_WAIT_MS}ms",
    "lock_timeout": f"{LOCK_WAIT_MS}ms",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_MS}ms",
    "default_transaction_isolation": "read committed",
}
CONNECTION_DEFAULTS: Final = {
    "application_name": "selene",
    "connect_timeout": "10",
    # A network that went silent is noticed in a minute, not in the kernel's quarter of an hour.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
# Where connecting fails there is no SQLSTATE, only these words of the server.
_LOGIN_REFUSED: Final = re.compile(
    r'FATAL: +(password authentication failed|(role|database) ".*" does not exist|no pg_hba)'
)
# Failover and restart, too many connections, a standby that takes no writes, deadlock and
# serialisation: the same call may succeed a moment later.
_TRANSIENT: Final = frozenset(
    ("57P01", "57P02", "57P03", "57P05", "53300", "25006", "40001", "40P01")
)


def parse(url: str) -> str:
    """A `postgresql://` URL as a connection string with our defaults. Raises BadField."""
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.Error as error:
        # Not in libpq's words: they may quote a part of the password.
        raise BadField(
            "database_url",
            "is no PostgreSQL address",
            "Give postgresql://user@host:5432/database.",
        ) from error
    if any("@" in str(given.get(part) or "") for part in ("host", "dbname", "port")):
        raise BadField(
            "database_url", "holds an @ that ends no login", "Write %40 for an @ in a password."
        )
    return conninfo.make_conninfo("", **{**CONNECTION_DEFAULTS, **given})


def named(url: str) -> str:
    """A database's name for people: never with a password."""
    given = conninfo.conninfo_to_dict(url)
    place = given.get("host") or given.get("hostaddr") or "the local socket"
    return f"{given.get('dbname') or given.get('user') or 'the default database'} at {place}"


def connect(url: str, *, autocommit: bool = True) -> Connection:
    """One connection, for what is done once. Raises BadField, LedgerUnavailable."""
    try:
        connection = psycopg.connect(parse(url), autocommit=True, prepare_threshold=None)
        configure(connection)
    except psycopg.Error as error:
        raise unavailable(named(url), error) from error
    connection.autocommit = autocommit
    # What is done once is not worth preparing, and a script of several statements cannot be.
    connection.prepare_threshold = None
    return connection


def configure(connection: Connection) -> None:
    """Give a connection its time-outs, and let it prepare statements where that is safe."""
    settings = ", ".join(
        f"set_config('{name}', '{value}', false)" for name, value in SESSION_SETTINGS.items()
    )
    row = connection.execute(f"SELECT pg_backend_pid(), {settings}").fetchone()
    # Behind a pooler the next statement may be on another server connection, which knows of none
    # that was prepared here. A pooler shows by naming another process than the one that answers.
    direct = row is not None and row[0] == connection.info.backend_pid
    connection.prepare_threshold = 0 if direct else None


def is_transient(error: psycopg.Error) -> bool:
    """Whether the same call may succeed a moment later."""
    if error.sqlstate is None:
        # No answer from the server: the connection is gone, or was never there, or none was free.
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate in _TRANSIENT or error.sqlstate.startswith("08")


def went_away(error: psycopg.Error) -> bool:
    """Whether the server, and not the statement, ended the connection."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def unavailable(name: str, error: Exception) -> SeleneError:
    """A driver's error as the one that somebody can act on."""
    state = getattr(error, "sqlstate", None) or ""
    if state == "SE403":
        return ScopeRefused(
            "is not this login's", "Use the login of that tenant.", field="tenant_id"
        )
    if state == "SE500":
        return event_elsewhere(_first_line(error))
    if state.startswith(("22", "23")) or isinstance(error, UnicodeEncodeError):
        return row_refused()
    if state in ("42P01", "42883", "3F000"):
        return LedgerMissing(f"{name} holds no ledger", "Make one with `selene init`.")
    if state == "42501":
        return LedgerUnavailable(
            f"{name} does not allow this login to do that ({_first_line(error)})",
            "Use the role selene_app, or the one that `selene init` names.",
        )
    if state == "55P03":
        return LedgerUnavailable(
            f"{name} has had what is to be written locked by another session for {LOCK_WAIT_MS} ms",
            "Send the same request again; see pg_locks for who holds it.",
        )
    if state == "57014":
        return LedgerUnavailable(
            f"{name} took longer than {STATEMENT_WAIT_MS} ms", "Send the same request again."
        )
    if state in ("28P01", "28000", "3D000") or _LOGIN_REFUSED.search(str(error)):
        return LedgerUnavailable(
            f"{name} refused the login ({_first_line(error)})", "Check user, password and database."
        )
    return LedgerUnavailable(
        f"{name} cannot be used ({_first_line(error)})",
        "Check that the server runs, then send the same request again.",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def refused_part(error: psycopg.Error) -> str | None:
    """What one of our functions refused: "SE409 device_id"; None for any other error."""
    if error.sqlstate not in ("SE404", "SE409"):
        return None
    return f"{error.sqlstate} {error.diag.constraint_name}"
