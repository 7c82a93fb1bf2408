"""What a tenant keeps beside decisions: terms, packs, who looked at what."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from selene_os.dictionary import Imported
from selene_os.edges import term_files, wire
from selene_os.edges.console.shown import iso
from selene_os.edges.console.visits import Shown, Visit
from selene_os.edges.http import records
from selene_os.errors import BadField, NotFound
from selene_os.ledger.access import AccessEvent
from selene_os.names import parse_correlation_id, parse_event_id

_PAGE_ROWS: Final = 100
# Of access events that are asked for by who or what: so many are read at once, and at most.
_CHUNK_ROWS: Final = 500
_LOOKED_MAX: Final = 10_000
_EXAMPLE: Final = "kind,source,canonical\nPROJECT_CODE,HR_ORG_AUTHORIZED,Blue Heron\n"


def terms(visit: Visit) -> Shown:
    """The tenant's dictionary."""
    shown = _terms(visit)
    visit.note("console.terms", None)
    return shown


def change_terms(visit: Visit) -> Shown:
    """Add terms, or change those of the same id, all of them or none; or take one out."""
    # Before anything is changed: what cannot be noted must not happen.
    visit.note("console.terms", None)
    removed = visit.form.get("remove")
    try:
        changed = _imported(visit) if removed is None else visit.here.remove_terms([removed])
    except (BadField, NotFound) as refusal:
        return _terms(visit, wrong=str(refusal))
    if changed.written:
        visit.note("console.import" if removed is None else "console.remove", changed.digest)
    return _terms(visit, changed)


def _imported(visit: Visit) -> Imported:
    content = visit.form.get("terms", "").encode()
    form = term_files.JSONL if content.lstrip()[:1] == b"{" else term_files.CSV
    lines = term_files.lines_of(content, form)
    return term_files.told(visit.here.import_terms([line.given for line in lines]), lines)


def _terms(visit: Visit, changed: Imported | None = None, wrong: str | None = None) -> Shown:
    entries = [asdict(entry) for entry in visit.here.terms()]
    digest = visit.here.settings.terms_digest
    told: dict[str, Any] = {"terms": entries, "digest": digest, "wrong": wrong}
    told["example"] = _EXAMPLE
    told |= {"changed": None if changed is None else wire.imported_record(changed)}
    told |= {"content": visit.form.get("terms", ""), "removed": "remove" in visit.form}
    header = ["entry_id", "kind", "source", "canonical", "locale", "evidence_ref"]
    rows = [[entry[name] for name in header] for entry in entries]
    failed = wrong is not None or (changed is not None and not changed.written)
    status = 422 if failed else 200
    return Shown("terms.html", told, {"terms": entries, "digest": digest}, (header, rows), status)


def packs(visit: Visit) -> Shown:
    """What can be asked for here."""
    pack = visit.console.selene.pack
    intents = [
        {
            "intent_type": one.intent_type,
            "required": list(one.required),
            "one_of": list(one.one_of),
            "optional": list(one.optional),
            "confirm": one.confirm,
            "sensitivity": one.sensitivity,
        }
        for one in pack.intents.values()
    ]
    parts = [{"name": one.name, "version": one.version, "digest": one.digest} for one in pack.parts]
    record: dict[str, Any] = {"name": pack.name, "version": pack.version, "digest": pack.digest}
    record |= {"parts": parts, "intents": intents}
    header = ["intent_type", "required", "one_of", "optional", "confirm", "sensitivity"]
    rows = [[one[name] for name in header] for one in intents]
    # Not "parts": that is what the templates have in common.
    told = record | {"packs": parts}
    del told["parts"]
    visit.note("console.packs", None)
    return Shown("packs.html", told, record, (header, rows))


def access(visit: Visit) -> Shown:
    """Who looked at what, the newest first; of an actor or an action alone where one is named."""
    asked = {name: given for name in ("actor", "action") if (given := visit.asked(name))}
    page, cursor = _accesses(visit, asked)
    visit.note("console.access", None)
    events = [records.access(AccessEvent(*one)) for one in page]
    told = {
        "events": [(one, _place_of(visit, one.target)) for one in page],
        "asked": asked,
        "cursor": cursor,
        "later": visit.asked("cursor") is not None,
        "looked_max": _LOOKED_MAX,
    }
    header = ["at", "actor", "action", "target", "outcome", "reason", "access_id"]
    rows = [
        [iso(one.at), one.actor, one.action, one.target, one.outcome, one.reason, one.access_id]
        for one in page
    ]
    record = {"events": events, "next_cursor": cursor, "asked": asked}
    return Shown("access.html", told, record, (header, rows))


def _accesses(visit: Visit, asked: dict[str, str]) -> tuple[list[AccessEvent], str | None]:
    """One page of access events, and where the next one begins; None where there is none."""
    store, after = visit.console.store.access, _after(visit)
    rows_max = _CHUNK_ROWS if asked else _PAGE_ROWS + 1
    found: list[AccessEvent] = []
    # What is asked for may be rare: of more than these the visitor asks for the next page.
    for _ in range(_LOOKED_MAX // _CHUNK_ROWS):
        chunk = store.access_events(visit.here.tenant_id, after, rows_max)
        found += [one for one in chunk if all(getattr(one, name) == asked[name] for name in asked)]
        if len(found) > _PAGE_ROWS:
            return found[:_PAGE_ROWS], _cursor(found[_PAGE_ROWS - 1])
        if len(chunk) < rows_max:
            return found, None
        after = (chunk[-1].at, chunk[-1].access_id)
    return found, _cursor(chunk[-1])


def _cursor(one: AccessEvent) -> str:
    return f"{one.at}.{one.access_id}"


def _place_of(visit: Visit, target: str | None) -> str | None:
    """The page of a conversation or a row that an access event names; None of anything else."""
    for parse, room in ((parse_correlation_id, "c"), (parse_event_id, "e")):
        with suppress(BadField):
            return visit.url(room, parse(target))
    return None


def _after(visit: Visit) -> Any:
    cursor = visit.asked("cursor")
    if cursor is None:
        return None
    at, _, access_id = cursor.partition(".")
    if not (at.isascii() and at.isdecimal() and len(at) <= 19):
        raise BadField("cursor", "is no cursor of access events", "Begin at the first page.")
    return int(at), parse_event_id(access_id)
