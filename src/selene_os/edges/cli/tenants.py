"""`selene tenant`, `register`, `identity` and `session`: who may write, and how values are read."""

from __future__ import annotations

from typing import Any

import click

from selene_os.edges.cli.options import (
    db_option,
    json_option,
    named_database,
    opened,
    show,
    tenant_option,
    user_option,
)
from selene_os.edges.wire import dumps
from selene_os.ledger.events import TenantRow
from selene_os.names import parse_tenant_id


@click.group()
def tenant() -> None:
    """Add, set, show and list tenants."""


@tenant.command("add")
@click.argument("name")
@db_option
@json_option
def tenant_add(name: str, db: str | None, as_json: bool) -> None:
    """Add a tenant. Adding it again changes nothing."""
    with opened(db) as selene:
        added = selene.add_tenant(name)
    show(
        as_json,
        {"tenant_id": name, "added": added},
        f"Tenant {name} is {'added' if added else 'there already'}.",
    )


@tenant.command("set")
@click.argument("name")
@click.argument("settings", nargs=-1, required=True, metavar="SETTING=VALUE…")
@db_option
@json_option
def tenant_set(name: str, settings: tuple[str, ...], db: str | None, as_json: bool) -> None:
    """Change a tenant's settings; an empty value takes one back.

    currency=USD  time_policy=ask|next_occurrence  date_order=DMY|MDY|YMD  zone=Europe/Berlin
    confirm_within_s=300
    """
    changes: dict[str, str | None] = {}
    for setting in settings:
        key, mark, value = setting.partition("=")
        if not mark:
            raise click.UsageError(f"{setting!r} is no SETTING=VALUE.")
        changes[key] = value or None
    with opened(db) as selene:
        row = selene.tenant(name).set(**changes)
    show(as_json, _record(row), _line(row))


@tenant.command("show")
@click.argument("name")
@db_option
@json_option
def tenant_show(name: str, db: str | None, as_json: bool) -> None:
    """Show a tenant's settings."""
    with opened(db) as selene:
        row = selene.tenant(name).settings
    show(as_json, _record(row), _line(row))


@tenant.command("list")
@db_option
@json_option
def tenant_list(db: str | None, as_json: bool) -> None:
    """List every tenant with its settings."""
    with opened(db) as selene:
        rows = selene.tenants()
    if as_json:
        click.echo(dumps({"tenants": [_record(row) for row in rows]}))
        return
    for row in rows:
        click.echo(_line(row))
    if not rows:
        click.echo("No tenant yet. Add one with `selene tenant add NAME`.")


@tenant.command("grant-login")
@click.argument("name")
@db_option
@json_option
def tenant_grant_login(name: str, db: str | None, as_json: bool) -> None:
    """Make a PostgreSQL login that can act for one tenant alone, for SQL of its own.

    The address must be an administrator's. Where it may not make roles, the statements are printed
    for one who may.
    """
    login = named_database(db).grant_login(parse_tenant_id(name))
    show(
        as_json,
        {"tenant_id": name, "login": login.role, "created": login.created},
        f"The login {login.role} {'is made, without a password' if login.created else 'is there'}."
        f" It acts for tenant {name} alone. In psql, give it a password: \\password {login.role}",
    )


@click.command()
@tenant_option
@user_option
@click.option("--device", help="A device of that user.")
@click.option("--session", help="A session on that device.")
@db_option
@json_option
def register(
    tenant: str,
    user: str,
    device: str | None,
    session: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Register a user, a device of theirs and a session on it; all of it or nothing."""
    with opened(db) as selene:
        added = selene.tenant(tenant).register(user, device, session)
    parts = {"user_id": user, "device_id": device, "session_id": session}
    named = ", ".join(f"{key[:-3]} {value}" for key, value in parts.items() if value)
    show(
        as_json,
        {"tenant_id": tenant, **parts, "added": added},
        f"{'Registered' if added else 'There already'}: {named} (tenant {tenant}).",
    )


@click.group()
def identity() -> None:
    """Disable a user, or enable one again."""


@identity.command("disable")
@tenant_option
@user_option
@db_option
def identity_disable(tenant: str, user: str, db: str | None) -> None:
    """Refuse every further write of a user."""
    with opened(db) as selene:
        selene.tenant(tenant).disable(user)
    click.echo(f"User {user} is disabled (tenant {tenant}).")


@identity.command("enable")
@tenant_option
@user_option
@db_option
def identity_enable(tenant: str, user: str, db: str | None) -> None:
    """Accept a disabled user's writes again."""
    with opened(db) as selene:
        selene.tenant(tenant).enable(user)
    click.echo(f"User {user} is enabled (tenant {tenant}).")


@click.group()
def session() -> None:
    """Close a session."""


@session.command("close")
@tenant_option
@click.argument("name")
@db_option
def session_close(tenant: str, name: str, db: str | None) -> None:
    """End a session, for good."""
    with opened(db) as selene:
        selene.tenant(tenant).close_session(name)
    click.echo(f"Session {name} is closed (tenant {tenant}).")


def _record(row: TenantRow) -> dict[str, Any]:
    return row._asdict()


def _line(row: TenantRow) -> str:
    settings = {
        "currency": row.currency,
        "time_policy": row.time_policy,
        "date_order": row.date_order,
        "zone": row.zone,
        "confirm_within_s": row.confirm_within_s,
        "terms": row.terms_digest and row.terms_digest[:12],
    }
    return f"{row.tenant_id}: " + " ".join(f"{k}={v}" for k, v in settings.items() if v)
