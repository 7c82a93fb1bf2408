"""Calls of one database's functions: each a transaction, tried again while that may help."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from selene_os.errors import LedgerUnavailable, Refusal
from selene_os.ledger.postgres import statements
from selene_os.ledger.postgres.connection import (
    Connection,
    configure,
    is_transient,
    named,
    parse,
    refused_part,
    unavailable,
    went_away,
)
from selene_os.names import TenantId

T = TypeVar("T")

# A restart or failover lasts seconds; each try is the same call with the same keys.
RETRY_AFTER_S: Final = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
_CONNECTION_WAIT_S: Final = 5.0
_POOL_WAITS_MAX: Final = 2
# Stands for whether an earlier try of the call may have been committed unheard.
AGAIN: Final = object()
CLOSE_WAIT_S: Final = 5.0


class Calls:
    """A pool of connections, and how it is called.

    Args:
        url: postgresql://…
        connections_max: connections at once.
        retry_after_s: the waits before each further try of what a moment may mend.
    """

    def __init__(
        self, url: str, connections_max: int, retry_after_s: Sequence[float] = RETRY_AFTER_S
    ) -> None:
        self.name = named(parse(url))
        self._retry_after_s = tuple(retry_after_s)
        self._pid = os.getpid()
        self._closing = threading.Event()
        self._pool = ConnectionPool(
            parse(url),
            kwargs={"autocommit": True, "prepare_threshold": None},
            min_size=0,
            max_size=connections_max,
            timeout=_CONNECTION_WAIT_S,
            configure=configure,
            # A wait that fails begins anew: the delays of one that goes on grow with the outage.
            reconnect_timeout=_CONNECTION_WAIT_S,
            name="selene",
            open=True,
        )

    def close(self) -> None:
        """Let go of the database."""
        if os.getpid() != self._pid:
            # The connections are the parent's.
            return
        self._closing.set()
        self._pool.close(timeout=CLOSE_WAIT_S)

    def _rows(
        self,
        statement: str,
        values: Sequence[Any],
        refused: Mapping[str, Callable[[], Refusal]] | None = None,
    ) -> list[tuple[Any, ...]]:
        """One call of a function, in a transaction of its own."""
        return self._call(statement, values, refused)[0]

    def _call(
        self,
        statement: str,
        values: Sequence[Any],
        refused: Mapping[str, Callable[[], Refusal]] | None = None,
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """As `_rows`, and whether an earlier try may have been committed unheard."""

        def call(connection: Connection, again: bool) -> tuple[list[tuple[Any, ...]], bool]:
            given = [again if value is AGAIN else value for value in values]
            return connection.execute(statement, given, binary=True).fetchall(), again

        try:
            return self._tried(call)
        except psycopg.Error as error:
            if refused and (part := refused_part(error)) in refused:
                raise refused[part or ""]() from None
            raise unavailable(self.name, error) from error

    def _read(
        self, tenant_id: TenantId, statement: str, values: Sequence[Any] | Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        """An ad-hoc read of one tenant, under row-level security."""

        def read(connection: Connection, _: bool) -> list[tuple[Any, ...]]:
            with connection.pipeline(), connection.transaction():
                connection.execute(statements.SET_READER, (tenant_id,))
                return connection.execute(statement, values, binary=True).fetchall()

        try:
            return self._tried(read)
        except psycopg.Error as error:
            raise unavailable(self.name, error) from error

    def _tried(self, call: Callable[[Connection, bool], T]) -> T:
        """Run a call on a connection; again, a little later, where a moment may mend it.

        Raises:
            psycopg.Error: an error that no further try mends. LedgerUnavailable: none helped.
        """
        self._check_process()
        full = 0
        for number, wait_s in enumerate((*self._retry_after_s, None)):
            try:
                with self._pool.connection() as connection:
                    return call(connection, number > 0)
            except PoolClosed as error:
                raise self._ended() from error
            except psycopg.Error as error:
                if not is_transient(error):
                    raise
                full += isinstance(error, PoolTimeout)
                if number == 0 and went_away(error):
                    # Its other connections are not worth a try each.
                    self._pool.check()
                if wait_s is None or full > _POOL_WAITS_MAX or self._closing.wait(wait_s):
                    raise unavailable(self.name, error) from error
        raise AssertionError("the last try returns or raises")

    def _check_process(self) -> None:
        """A connection must not be used across a fork, nor after its end."""
        if os.getpid() != self._pid or self._closing.is_set():
            raise self._ended()

    def _ended(self) -> LedgerUnavailable:
        return LedgerUnavailable(
            f"{self.name} was closed, or opened by another process",
            "Open the ledger again, in this process.",
        )
