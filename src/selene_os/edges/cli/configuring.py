"""`selene settings`: what every setting is, and where that comes from."""

from __future__ import annotations

import os

import click

from selene_os.edges.cli import options
from selene_os.edges.cli.options import json_option
from selene_os.edges.configuration import shown
from selene_os.edges.settings import CONFIG
from selene_os.edges.wire import dumps
from selene_os.errors import SeleneError


@click.command()
@json_option
def settings(as_json: bool) -> None:
    """Show every setting with its value, where that comes from, and what it does; no secrets."""
    file = click.get_current_context().find_root().params.get("config") or os.environ.get(CONFIG)
    lines = shown(options.settings(), file, _keys())
    if as_json:
        click.echo(dumps({"settings": [one._asdict() for one in lines]}))
        return
    for one in lines:
        value = "-" if one.value is None else one.value
        click.echo(f"{one.name} = {value}  ({one.source})")
        click.echo(f"    {one.meaning}")


def _keys() -> str | None:
    """The directory of keys that is used; None where the address names no ledger."""
    try:
        return str(options.keys_of(None).absolute())
    except SeleneError:
        return None
