"""`selene trace` and `search`: what was decided, read back."""

from __future__ import annotations

import time

import click

from selene_os.edges import story, wire
from selene_os.edges.cli import paint, telling
from selene_os.edges.cli.options import (
    db_option,
    json_option,
    nanoseconds,
    opened,
    show,
    tenant_option,
)
from selene_os.registry import DECISIONS


@click.command()
@tenant_option
@click.option("--correlation", required=True, help="The conversation.")
@click.option("--explain", is_flag=True, help="Tell how each turn came to its decision.")
@db_option
@json_option
def trace(tenant: str, correlation: str, explain: bool, db: str | None, as_json: bool) -> None:
    """Show the decisions of one conversation, by turn.

    With --explain: what was said, what each engine did with it, what was decided from which words,
    what waited for a yes and what became of it.
    """
    with opened(db) as selene:
        if explain:
            told = story.of_conversation(selene.tenant(tenant), correlation)
        else:
            events = selene.tenant(tenant).trace(correlation)
            erased = [selene.tenant(tenant).is_erased(event.event_id) for event in events]
    if explain:
        nothing = f"Tenant {tenant} has no conversation {correlation}."
        text = telling.conversation(told, time.time_ns()) or nothing
        show(as_json, told, text)
        return
    if as_json:
        shown = [
            {**wire.event_record(event), "erased": gone}
            for event, gone in zip(events, erased, strict=True)
        ]
        click.echo(wire.dumps({"events": shown}))
        return
    for event, gone in zip(events, erased, strict=True):
        click.echo(paint.event(event, erased=gone))
    if not events:
        click.echo(f"Tenant {tenant} has no conversation {correlation}.")


@click.command()
@tenant_option
@click.option("--intent", help="Only drafts of this intent type.")
@click.option("--reason", help="Only rows with this reason code: its name or number.")
@click.option("--decision", type=click.Choice(DECISIONS), help="Only rows of this kind.")
@click.option("--user", help="Only rows of this user.")
@click.option("--device", help="Only rows on this device.")
@click.option("--since", help="Only rows from this moment on: 2026-01-31 or 2026-01-31T09:00Z.")
@click.option("--until", help="Only rows before this moment.")
@click.option("--after", metavar="CURSOR", help="Go on behind this row, as the page before says.")
@click.option("--rows", type=int, default=50, show_default=True, help="Rows of a page, to 1,000.")
@db_option
@json_option
def search(
    tenant: str,
    intent: str | None,
    reason: str | None,
    decision: str | None,
    user: str | None,
    device: str | None,
    since: str | None,
    until: str | None,
    after: str | None,
    rows: int,
    db: str | None,
    as_json: bool,
) -> None:
    """Find decisions of a tenant, the newest first; all that is given must hold."""
    with opened(db) as selene:
        page = selene.tenant(tenant).search(
            intent=intent,
            reason=reason,
            decision=decision,
            user=user,
            device=device,
            since=None if since is None else nanoseconds("since", since),
            until=None if until is None else nanoseconds("until", until),
            after=after,
            rows=rows,
        )
    if as_json:
        events = [wire.event_record(event) for event in page.events]
        click.echo(wire.dumps({"events": events, "cursor": page.cursor}))
        return
    for event in page.events:
        click.echo(paint.found(event))
    if not page.events:
        click.echo("Nothing was found.")
    if page.cursor is not None:
        click.echo(f"More: --after {page.cursor}")
