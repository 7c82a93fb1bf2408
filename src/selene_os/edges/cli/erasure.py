"""`selene erase` and `hold`: the end of a user's words, and what keeps it off."""

from __future__ import annotations

from typing import Any

import click

from selene_os.edges.cli import paint
from selene_os.edges.cli.options import db_option, json_option, opened, show, tenant_option
from selene_os.edges.wire import dumps
from selene_os.erasing import Erasure, Held

_reason_help = "Why; kept in the record of the row, under the tenant's own key."


@click.command()
@tenant_option
@click.option("--user", required=True, help="The user, disabled or not.")
@click.option("--reason", required=True, help=_reason_help)
@click.option("--yes", is_flag=True, help="Do not ask.")
@db_option
@json_option
def erase(tenant: str, user: str, reason: str, yes: bool, db: str | None, as_json: bool) -> None:
    """Destroy the key of a user's words: what was said, remembered and recorded of them.

    Nothing brings them back. The rows stay, and every proof of them holds; a row of its own says
    that this was done. Running it again finishes what was cut off, or finds nothing left.
    """
    asked = f"Destroy the key of user {user}, tenant {tenant}? Nothing brings the words back."
    if not yes and (as_json or not click.confirm(asked)):
        raise click.UsageError("Nothing was done. Say --yes to go on without being asked.")
    with opened(db) as selene:
        done = selene.tenant(tenant).erase(user, reason=reason)
    show(as_json, {"tenant_id": tenant, **_record(done)}, _text(done))


@click.command()
@tenant_option
@click.option("--user", help="The user to hold, or to release.")
@click.option("--reason", help=_reason_help)
@click.option("--release", is_flag=True, help="End the user's hold.")
@click.option("--list", "listed", is_flag=True, help="List the holds in force.")
@db_option
@json_option
def hold(
    tenant: str,
    user: str | None,
    reason: str | None,
    release: bool,
    listed: bool,
    db: str | None,
    as_json: bool,
) -> None:
    """Keep a user from being erased as long as a legal duty runs, or let go of them again."""
    if listed:
        if user or reason or release:
            raise click.UsageError("--list stands alone beside --tenant.")
        with opened(db) as selene:
            holds = selene.tenant(tenant).holds()
        if as_json:
            click.echo(dumps({"holds": [_held(one) for one in holds]}))
            return
        for one in holds:
            click.echo(_line(one))
        if not holds:
            click.echo(f"No user of tenant {tenant} is held.")
        return
    if user is None or reason is None:
        raise click.UsageError("Give --user and --reason, or --list.")
    with opened(db) as selene:
        named = selene.tenant(tenant)
        done = (named.release if release else named.hold)(user, reason=reason)
    record = {"tenant_id": tenant, **_held(done), "released": release}
    became = "is released" if release else "is held"
    show(as_json, record, f"User {user} {became} (tenant {tenant}): hold {done.hold_id}.")


def _record(done: Erasure) -> dict[str, Any]:
    return {
        "user_id": done.user_id,
        "erased": bool(done.key_ids),
        "key_ids": list(done.key_ids),
        "event_ids": list(done.event_ids),
        "plain_rows": done.plain_rows,
    }


def _text(done: Erasure) -> str:
    lines = [f"There is nothing left to erase of user {done.user_id}."]
    if done.key_ids:
        lines = [f"User {done.user_id} is erased. Key destroyed: {', '.join(done.key_ids)}"]
        lines += [f"  row       {event_id}" for event_id in done.event_ids]
        lines.append("Back-ups of the keys, exports and logs of your own are yours to clear.")
    if done.plain_rows:
        lines.append(
            f"{done.plain_rows} rows of this user were stored in plain by an older version, and"
            " cannot be erased so."
        )
    return "\n".join(lines)


def _held(one: Held) -> dict[str, Any]:
    return {
        "user_id": one.user_id,
        "hold_id": one.hold_id,
        "since": one.since,
        "reason": one.reason,
        "event_id": one.event_id,
    }


def _line(one: Held) -> str:
    why = paint.shown(one.reason or "(no reason is there)")
    return f"{paint.shown(one.user_id)}  since {paint.moment(one.since)}  {one.hold_id}  {why}"
