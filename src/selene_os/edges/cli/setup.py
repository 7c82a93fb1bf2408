"""`selene init` and `selene completion`."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from selene_os.edges.cli.options import address, db_option, json_option, show
from selene_os.edges.settings import sqlite_path


@click.command()
@db_option
@json_option
def init(db: str | None, as_json: bool) -> None:
    """Make a ledger, or bring its schema up to date.

    Says where it is and what to do next. Running it again changes nothing.
    """
    from selene_os.ledger.sqlite.connection import create, is_there

    path = sqlite_path(address(db))
    existed = is_there(path)
    applied = create(path, time.time_ns())
    # Only where this command line named the ledger must the next one name it, too.
    named = db or click.get_current_context().find_root().obj
    hint = f" --db {shlex.quote(named)}" if named else ""
    what = "The ledger is up to date" if existed and not applied else "The ledger is ready"
    show(
        as_json,
        {"path": str(Path(path).absolute()), "created": not existed, "applied": list(applied)},
        f"{what}: {Path(path).absolute()}\n"
        "Next:\n"
        f"  selene tenant add{hint} acme\n"
        f"  selene register{hint} --tenant acme --user alice --device kitchen\n"
        f"  selene say{hint} --tenant acme --user alice --device kitchen"
        ' "remind me to call mom tomorrow at 5 pm"',
    )


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
