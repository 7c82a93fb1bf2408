"""`selene init`, `selene db` and `selene completion`."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from selene_os.edges import signing_keys
from selene_os.edges.cli.options import address, db_option, json_option, keys_of, show
from selene_os.edges.databases import Database, database
from selene_os.edges.settings import is_postgres, without_password
from selene_os.errors import KeysMissing
from selene_os.ledger.migrations import Plan


@click.command()
@click.option("--print-sql", is_flag=True, help="Print what would be run, and run nothing.")
@db_option
@json_option
def init(print_sql: bool, db: str | None, as_json: bool) -> None:
    """Make a ledger, or bring its schema up to date.

    Says where it is and what to do next. Running it again changes nothing.
    """
    url = address(db)
    chosen = database(url)
    if print_sql:
        click.echo(chosen.script(time.time_ns()))
        return
    done = chosen.create(time.time_ns())
    _make_key(chosen, done, keys_of(db))
    record = {
        "path": _named(chosen, done),
        "created": done.made,
        "applied": [one.title for one in done.waiting],
    }
    if chosen.kind == "postgres":
        record["roles"] = list(done.roles)
    what = "The ledger is up to date" if done.empty else "The ledger is ready"
    show(as_json, record, f"{what}: {_named(chosen, done)}\n" + _next_steps(url, done, db))


@click.group()
def db() -> None:
    """Show a ledger's schema version, or bring it up to date."""


@db.command("status")
@db_option
@json_option
def db_status(db: str | None, as_json: bool) -> None:
    """Show which migrations are there and which wait. Exit 3 where any waits."""
    chosen = database(address(db))
    plan = chosen.plan()
    show(as_json, _plan_record(chosen, plan), _plan_text(chosen, plan))
    if not plan.empty:
        click.get_current_context().exit(3)


@db.command("upgrade")
@click.option("--yes", is_flag=True, help="Do not ask.")
@db_option
@json_option
def db_upgrade(yes: bool, db: str | None, as_json: bool) -> None:
    """Show what is to be done to the schema, ask, and do it, wholly or not at all."""
    chosen = database(address(db))
    plan = chosen.plan()
    if not as_json:
        click.echo(_plan_text(chosen, plan))
    if plan.made and not plan.applied:
        raise click.UsageError("There is no ledger to upgrade. Make one with `selene init`.")
    if not plan.empty:
        if not yes and (as_json or not click.confirm("Do it?")):
            raise click.UsageError("Nothing was done. Say --yes to go on without being asked.")
        done = chosen.create(time.time_ns())
        _make_key(chosen, done, keys_of(db))
        plan = chosen.plan()
        if not as_json:
            click.echo("Done.")
    if as_json:
        show(True, _plan_record(chosen, plan), "")


def _make_key(chosen: Database, done: Plan, directory: Path) -> None:
    """The log's first key, unless there is one, or was: a new one would begin another log."""
    if not done.made and not signing_keys.there(directory):
        store = chosen.open()
        try:
            sealed = [
                row.tenant_id
                for row in store.tenants()
                if store.proofs.checkpoint(row.tenant_id) is not None
            ]
        finally:
            store.close()
        if sealed:
            raise KeysMissing(
                f"the rows of tenant {sealed[0]} are sealed, and the key is not in {directory}",
                "Put the directory back as it was, or name it with SELENE_KEYS; no new key was"
                " made.",
            )
    signing_keys.make(directory)


def _named(chosen: Database, plan: Plan) -> str:
    return plan.name if chosen.kind == "postgres" else str(Path(plan.name).absolute())


def _plan_record(chosen: Database, plan: Plan) -> dict[str, Any]:
    return {
        "path": _named(chosen, plan),
        "applied": list(plan.applied),
        "waiting": [one.title for one in plan.waiting],
        "roles_missing": list(plan.roles),
        "up_to_date": plan.empty,
    }


def _plan_text(chosen: Database, plan: Plan) -> str:
    lines = [f"Ledger {_named(chosen, plan)}"]
    lines += [f"  there   {name}" for name in plan.applied]
    lines += [f"  make    role {role}" for role in plan.roles]
    lines += [f"  apply   {one.title}" for one in plan.waiting]
    lines.append("Up to date." if plan.empty else "Not up to date.")
    return "\n".join(lines)


def _next_steps(url: str, done: Plan, given: str | None) -> str:
    """What to type next, with the address where this command line named it."""
    named = given or click.get_current_context().find_root().obj
    lines = []
    if is_postgres(url):
        named = without_password(url, "selene_app")
        if done.roles:
            lines.append(
                f"Made the roles {', '.join(done.roles)}, without passwords. In psql, as"
                " administrator, give one to those that log in: \\password selene_app"
            )
    hint = f" --db {shlex.quote(named)}" if named else ""
    lines += [
        "Next:",
        f"  selene tenant add{hint} acme",
        f"  selene register{hint} --tenant acme --user alice --device kitchen",
        f"  selene say{hint} --tenant acme --user alice --device kitchen"
        ' "remind me to call mom tomorrow at 5 pm"',
    ]
    return "\n".join(lines)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For bash: eval "$(selene completion bash)"
    """
    found = get_completion_class(shell)
    assert found is not None
    ctx = click.get_current_context().find_root()
    click.echo(found(ctx.command, {}, "selene", "_SELENE_COMPLETE").source())
