"""A sentence tried: what a turn would come to by the tenant's settings and terms, and why."""

from __future__ import annotations

from typing import Any, Final

from selene_os.edges.console.shown import heard
from selene_os.edges.console.visits import Shown, Visit
from selene_os.engines import nlp
from selene_os.engines.nlp.explaining import explain
from selene_os.errors import Refusal
from selene_os.tenancy import moment_of
from selene_os.turn import Turn, understand

_LANGUAGES: Final = ("en", "zh")
_HEADER: Final = ("step", "what", "text", "told")


def attempt(visit: Visit) -> Shown:
    """Understand a sentence as the first turn of a conversation would be, and tell every step.

    Nothing of it is written; that something was tried is, and never what.
    """
    text, language = visit.form.get("text", ""), visit.form.get("language", "en")
    told: dict[str, Any] = {"text": text, "language": language, "languages": _LANGUAGES}
    told |= {"explanation": None, "wrong": None}
    record: dict[str, Any] = {"result": None, "hand_overs": [], "explanation": None}
    if visit.request.method != "POST":
        return Shown("try.html", told, record, (_HEADER, []))
    visit.note("console.try", None)
    try:
        turn = _turn(visit, text.replace("\r\n", "\n"), language)
        understood = understand(turn, visit.console.selene.pack)
    except Refusal as refusal:
        wrong = str(refusal)
        record["wrong"] = wrong
        table = (_HEADER, [["refused", None, None, wrong]])
        return Shown("try.html", told | {"wrong": wrong}, record, table, status=422)
    # Of the same request: after PH1.SRL's repairs, with the terms.
    explanation = explain(understood.request, visit.console.selene.pack).as_record()
    result = understood.result.as_record()
    record = {
        "result": result,
        "hand_overs": [one.as_record() for one in understood.hand_overs],
        "explanation": explanation,
    }
    assert turn.now is not None
    told |= record | {
        "said": turn.text,
        "record": record,
        "moment": turn.now.isoformat(" ", "milliseconds"),
        "zone": turn.policy.zone,
    }
    return Shown("try.html", told, record, (_HEADER, _rows(record)))


def _turn(visit: Visit, text: str, language: str) -> Turn:
    """What a turn would give the engines, had this been said here and now."""
    console, tenant_id, settings = visit.console, visit.here.tenant_id, visit.here.settings
    return Turn(
        tenant_id,
        "",
        0,
        nlp.check_utterance(text),
        language,
        moment_of(None, console.clock(), settings.zone),
        policy=nlp.Policy(
            settings.time_policy, settings.currency, settings.date_order, settings.zone
        ),
        hints=console.dictionaries.hints(console.store, tenant_id, settings.terms_digest),
    )


def _rows(record: dict[str, Any]) -> list[list[Any]]:
    """What came out, and each step on the way, as rows of one table."""
    result, steps = record["result"], record["explanation"]
    what = result["intent_type"] or result.get("what_is_missing")
    rows = [["result", result["decision"], steps["text"], what]]
    rows.append(["reason", result["reason_code"], None, None])
    rows += [["field", one["key"], one["text"], heard(one)] for one in result["fields"]]
    rows += [
        ["engine", one["engine"], None, f"{one['became']} {one['reason_code']}"]
        for one in record["hand_overs"]
    ]
    rows += [["passed over", None, one["text"], one["why"]] for one in steps["passed"]]
    rows += [["value", one["kind"], one["text"], one["meaning"]] for one in steps["values"]]
    rows += [
        ["matched", one["intent_type"], one["text"], one["pattern"]] for one in steps["matched"]
    ]
    rows += [["set aside", None, one["text"], one["reason"]] for one in steps["set_aside"]]
    rows += [["chosen", one["intent_type"], one["text"], None] for one in steps["chosen"]]
    return rows
