"""What a tenant keeps beside decisions: terms, packs, who looked at what; and a place to try."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from selene_os.dictionary import Imported
from selene_os.edges import term_files, wire
from selene_os.edges.console.shown import iso
from selene_os.edges.console.visits import Shown, Visit
from selene_os.edges.http import records
from selene_os.engines import nlp
from selene_os.engines.nlp.explaining import explain
from selene_os.errors import BadField, Refusal
from selene_os.ledger.access import AccessEvent
from selene_os.names import parse_event_id
from selene_os.tenancy import moment_of

_PAGE_ROWS: Final = 100
_LANGUAGES: Final = ("en", "zh")
_EXAMPLE: Final = "kind,source,canonical\nPROJECT_CODE,HR_ORG_AUTHORIZED,Blue Heron\n"


def attempt(visit: Visit) -> Shown:
    """Understand a sentence and tell every step; nothing is written, not even that it was tried."""
    text, language = visit.form.get("text", ""), visit.form.get("language", "en")
    told: dict[str, Any] = {"text": text, "language": language, "languages": _LANGUAGES}
    told |= {"explanation": None, "wrong": None, "spans": []}
    if visit.request.method != "POST":
        return Shown("try.html", told)
    settings, pack = visit.here.settings, visit.console.selene.pack
    moment = moment_of(None, visit.console.clock(), settings.zone)
    request = {
        "text": text.replace("\r\n", "\n"),
        "language": language,
        "now": moment.isoformat(),
        "policy": {
            "time": settings.time_policy,
            "currency": settings.currency,
            "date_order": settings.date_order,
            "zone": settings.zone,
        },
    }
    try:
        explanation = explain(nlp.decode_request(request), pack).as_record()
    except Refusal as refusal:
        return Shown("try.html", told | {"wrong": str(refusal)}, status=422)
    result = explanation["result"]
    told |= {"explanation": explanation, "result": result, "spans": result.get("fields") or []}
    return Shown("try.html", told | {"moment": moment.isoformat(" ", "minutes")})


def terms(visit: Visit, imported: Imported | None = None, wrong: str | None = None) -> Shown:
    """The tenant's dictionary."""
    entries = [asdict(entry) for entry in visit.here.terms()]
    digest = visit.here.settings.terms_digest
    told: dict[str, Any] = {"terms": entries, "digest": digest, "wrong": wrong}
    told["example"] = _EXAMPLE
    told |= {"imported": None if imported is None else wire.imported_record(imported)}
    told |= {"content": visit.form.get("terms", "")}
    header = ["entry_id", "kind", "source", "canonical", "locale", "evidence_ref"]
    rows = [[entry[name] for name in header] for entry in entries]
    failed = wrong is not None or (imported is not None and not imported.written)
    status = 422 if failed else 200
    return Shown("terms.html", told, {"terms": entries, "digest": digest}, (header, rows), status)


def import_terms(visit: Visit) -> Shown:
    """Add terms, or change those of the same id; all of them or none."""
    content = visit.form.get("terms", "").encode()
    form = term_files.JSONL if content.lstrip()[:1] == b"{" else term_files.CSV
    try:
        lines = term_files.lines_of(content, form)
        imported = visit.here.import_terms([line.given for line in lines])
    except BadField as bad:
        return terms(visit, wrong=str(bad))
    visit.note("console.terms", visit.here.settings.terms_digest)
    return terms(visit, term_files.told(imported, lines))


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
    return Shown("packs.html", told, record, (header, rows))


def access(visit: Visit) -> Shown:
    """Who looked at what, the newest first."""
    store, tenant_id = visit.console.store, visit.here.tenant_id
    found = store.access.access_events(tenant_id, _after(visit), _PAGE_ROWS + 1)
    page, cursor = found[:_PAGE_ROWS], None
    if len(found) > _PAGE_ROWS:
        cursor = f"{page[-1].at}.{page[-1].access_id}"
    events = [records.access(AccessEvent(*one)) for one in page]
    told = {"events": page, "cursor": cursor, "later": visit.asked("cursor") is not None}
    header = ["at", "actor", "action", "target", "outcome", "reason", "access_id"]
    rows = [
        [iso(one.at), one.actor, one.action, one.target, one.outcome, one.reason, one.access_id]
        for one in page
    ]
    return Shown("access.html", told, {"events": events, "next_cursor": cursor}, (header, rows))


def _after(visit: Visit) -> Any:
    cursor = visit.asked("cursor")
    if cursor is None:
        return None
    at, _, access_id = cursor.partition(".")
    if not (at.isascii() and at.isdecimal() and len(at) <= 19):
        raise BadField("cursor", "is no cursor of access events", "Begin at the first page.")
    return int(at), parse_event_id(access_id)
