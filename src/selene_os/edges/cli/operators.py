"""`selene operator`: who may use the console, and for which tenants."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from selene_os.edges.cli import paint
from selene_os.edges.cli.options import db_option, json_option, ledger, show
from selene_os.edges.operators import EVERY_TENANT, Operators, parse_login, parse_tenants
from selene_os.edges.wire import dumps
from selene_os.ledger import refusals
from selene_os.ledger.access import OperatorRow
from selene_os.ledger.store import Store
from selene_os.names import parse_tenant_id

_LINE_BYTES_MAX = 4_096
stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin, instead of asking."
)


@click.group()
def operator() -> None:
    """Add, list, disable and enable who uses the console."""


@operator.command("add")
@click.argument("login")
@click.option("--tenant", "tenants", multiple=True, help="A tenant to see; may be repeated.")
@click.option("--all-tenants", is_flag=True, help="Every tenant, those to come too.")
@stdin_option
@db_option
@json_option
def operator_add(
    login: str,
    tenants: tuple[str, ...],
    all_tenants: bool,
    password_stdin: bool,
    db: str | None,
    as_json: bool,
) -> None:
    """Add an operator, with a password of 12 characters or more, which is asked for."""
    if bool(tenants) == all_tenants:
        raise click.UsageError("Give --tenant, or --all-tenants.")
    granted = EVERY_TENANT if all_tenants else parse_tenants(tenants)
    parse_login(login)
    with ledger(db) as store:
        for tenant in tenants:
            if store.tenant(parse_tenant_id(tenant)) is None:
                raise refusals.tenant_unknown(parse_tenant_id(tenant))
        if store.access.operator(login) is not None:
            raise refusals.operator_taken(login)
        password = _password(password_stdin)
        row = Operators(store.access, time.time_ns).add(login, password, granted)
    show(as_json, _record(row), f"Operator {login} is added. {_line(row)}")


@operator.command("list")
@db_option
@json_option
def operator_list(db: str | None, as_json: bool) -> None:
    """List every operator, by login."""
    with ledger(db) as store:
        rows = store.access.operators()
    if as_json:
        click.echo(dumps({"operators": [_record(row) for row in rows]}))
        return
    for row in rows:
        click.echo(_line(row))
    if not rows:
        click.echo("No operator yet. Add one with `selene operator add LOGIN`.")


@operator.command("disable")
@click.argument("login")
@db_option
@json_option
def operator_disable(login: str, db: str | None, as_json: bool) -> None:
    """Let an operator in no more, and end every session."""
    with ledger(db) as store:
        Operators(store.access, time.time_ns).disable(login)
        row = _row(store, login)
    show(as_json, _record(row), f"Operator {login} is disabled.")


@operator.command("enable")
@click.argument("login")
@db_option
@json_option
def operator_enable(login: str, db: str | None, as_json: bool) -> None:
    """Let an operator in again, by a new session."""
    with ledger(db) as store:
        Operators(store.access, time.time_ns).enable(login)
        row = _row(store, login)
    show(as_json, _record(row), f"Operator {login} is enabled.")


@operator.command("password")
@click.argument("login")
@stdin_option
@db_option
@json_option
def operator_password(login: str, password_stdin: bool, db: str | None, as_json: bool) -> None:
    """Give an operator another password, which is asked for, and end every session."""
    with ledger(db) as store:
        _row(store, login)
        Operators(store.access, time.time_ns).set_password(login, _password(password_stdin))
        row = _row(store, login)
    show(as_json, _record(row), f"Operator {login} has another password; no session goes on.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        # One line of it; a space at its end is a part of the password.
        return sys.stdin.readline(_LINE_BYTES_MAX).rstrip("\r\n")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked


def _row(store: Store, login: str) -> OperatorRow:
    row = store.access.operator(login)
    if row is None:
        raise refusals.operator_unknown(login)
    return row


def _record(row: OperatorRow) -> dict[str, Any]:
    record = row._asdict()
    del record["password"]
    return record | {"tenants": row.tenants.split(" ")}


def _line(row: OperatorRow) -> str:
    tenants = "every tenant" if row.tenants == EVERY_TENANT else row.tenants.replace(" ", ",")
    ended = "" if row.disabled_at is None else f"  disabled {paint.moment(row.disabled_at)}"
    return f"{row.login}  {tenants}  of {paint.moment(row.created_at)}{ended}"
