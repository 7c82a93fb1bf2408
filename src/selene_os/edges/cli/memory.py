"""`selene memory`: what users want remembered, and doing what a confirmed draft says."""

from __future__ import annotations

import click

from selene_os.edges import wire
from selene_os.edges.cli import paint
from selene_os.edges.cli.options import (
    db_option,
    json_option,
    nanoseconds,
    opened,
    show,
    tenant_option,
    user_option,
)
from selene_os.errors import ExecutionDenied
from selene_os.remembering import FORGET, INTENTS, QUERY, Applied, Memory

_PORTS = ("GATE_ACCESS_DENIED", "GATE_SIMULATION_INACTIVE")


@click.group()
def memory() -> None:
    """List, rebuild and apply what users want remembered."""


@memory.command("list")
@tenant_option
@user_option
@click.option("--at", metavar="ISO", help="As of this moment, for what expires; else the clock.")
@db_option
@json_option
def memory_list(tenant: str, user: str, at: str | None, db: str | None, as_json: bool) -> None:
    """List what is remembered of a user, the newest first: neither forgotten nor expired."""
    moment = None if at is None else nanoseconds("at", at)
    with opened(db) as selene:
        held = selene.tenant(tenant).memories(user, moment)
    record = {"memories": [wire.memory_record(one) for one in held]}
    text = "\n".join(map(_line, held)) or f"Nothing is remembered of {user} (tenant {tenant})."
    show(as_json, record, text)


@memory.command("rebuild")
@tenant_option
@user_option
@db_option
@json_option
def memory_rebuild(tenant: str, user: str, db: str | None, as_json: bool) -> None:
    """Build what is remembered of a user again, from the ledger of changes alone."""
    with opened(db) as selene:
        rows = selene.tenant(tenant).rebuild_memories(user)
    counted = "1 row" if rows == 1 else f"{rows} rows"
    text = f"Built again from the ledger: {counted} of {user} (tenant {tenant})."
    show(as_json, {"tenant_id": tenant, "user_id": user, "rows": rows}, text)


@memory.command("apply")
@tenant_option
@click.option("--draft", required=True, metavar="ID", help="The row of a MEMORY_… draft.")
@click.option("--confirmation", metavar="ID", help="The row of the yes; MEMORY_QUERY needs none.")
@click.option("--allow", is_flag=True, help="As operator: access and simulation say yes, once.")
@db_option
@json_option
def memory_apply(
    tenant: str, draft: str, confirmation: str | None, allow: bool, db: str | None, as_json: bool
) -> None:
    """Do what a MEMORY_… draft says, if the gates let it: remember, forget, or find.

    Who may have what done, and which intents are live, is a deployment's own; the command line has
    no such rules, so that the gates deny. --allow stands for both, for memory and this command.
    """
    with opened(db, allowed=INTENTS if allow else ()) as selene:
        try:
            applied = selene.tenant(tenant).apply_memory(draft, confirmation)
        except ExecutionDenied as denied:
            if denied.reason in _PORTS:
                denied.next_step = "Say --allow, if you may, to say yes for this one command."
            raise
    show(as_json, wire.applied_record(applied), _applied(applied))


def _applied(applied: Applied) -> str:
    receipt = applied.receipt
    if receipt is not None and receipt.deduplicated:
        return f"{applied.intent_type}: done before\n  row       {receipt.event_id}"
    if applied.intent_type == QUERY:
        found = "\n".join(map(_line, applied.memories))
        return f"{QUERY}: {len(applied.memories)} found" + (f"\n{found}" if found else "")
    done = "forgotten" if applied.intent_type == FORGET else "remembered"
    lines = [f"{applied.intent_type}: {done}", *map(_line, applied.memories)]
    if receipt is not None:
        lines.append(f"  row       {receipt.event_id}")
    return "\n".join(lines)


def _line(one: Memory) -> str:
    """One memory; of one that was forgotten its name alone."""
    key, when = paint.shown(one.memory_key), paint.moment(one.updated_at)
    if not one.text:
        return f"  memory    {key}"
    meant = "" if one.normalised is None else f" ({paint.shown(one.normalised)})"
    return f'  memory    "{paint.shown(one.text)}"{meant}\n            {key}, {when}'
