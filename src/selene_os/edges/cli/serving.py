"""`selene serve`: the ledger over HTTP."""

from __future__ import annotations

import time
from typing import Any

import click

from selene_os.edges import settings as named
from selene_os.edges.cli.options import (
    address,
    db_option,
    key_directory,
    named_database,
    settings,
)
from selene_os.errors import Fault


@click.command()
@click.option("--host", metavar="ADDRESS", help="Where to listen; else SELENE_HOST, or 127.0.0.1.")
@click.option("--port", metavar="N", help="On which port; else SELENE_PORT, or 8100; 0 is any.")
@click.option("--workers", metavar="N", help="Processes; else SELENE_WORKERS, or 1.")
@click.option(
    "--seal-every",
    metavar="TIME|off",
    help="How often to seal: 1s, 500ms, 5m, off; else SELENE_SEAL_EVERY, or 1s.",
)
@click.option(
    "--hook", metavar="COMMAND|URL", help="Takes checkpoints out; else SELENE_CHECKPOINT_HOOK."
)
@click.option("--log-format", metavar="text|json", help="Else SELENE_LOG_FORMAT, or text.")
@click.option(
    "--drain", metavar="TIME", help="How long /readyz says no at the end; else SELENE_DRAIN, or 1s."
)
@click.option("--create", is_flag=True, help="Make the ledger, or bring it up to date, as init.")
@db_option
def serve(create: bool, db: str | None, **given: Any) -> None:
    """Serve a ledger over HTTP until Ctrl-C or SIGTERM; then finish, seal and end.

    Without --create there must be a ledger: a path that was mistyped makes none.
    """
    try:
        from selene_os.edges import serving
    except ImportError as error:
        raise Fault(
            f"the server is not installed ({error})", "Install it: pip install 'selene-os[server]'."
        ) from error
    options = {
        named.HOST: given["host"],
        named.PORT: given["port"],
        named.WORKERS: given["workers"],
        named.SEAL_EVERY: given["seal_every"],
        named.CHECKPOINT_HOOK: given["hook"],
        named.LOG_FORMAT: given["log_format"],
        named.DRAIN: given["drain"],
    }
    found = settings().new_child({name: value for name, value in options.items() if value})
    asked = serving.serving_of(found, address(db), key_directory())
    if create:
        named_database(db).create(time.time_ns())
    serving.run(asked, lambda text: click.echo(text))
