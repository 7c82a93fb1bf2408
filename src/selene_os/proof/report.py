"""The evidence of a conversation to be read by people: one page, and a few lines about the bundle.

Both are made from the evidence alone, the same bytes each time, so that whoever doubts them can
have them made again. The page loads nothing and runs nothing; it can be printed. What stands in
rows may be anybody's text: each piece is escaped, and characters that hide or turn what stands
around them are written out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import pairwise
from typing import Any, Final

from selene_os.ledger.events import Disclosed, WholeRow
from selene_os.proof.checkpoint import Checkpoint, parse_checkpoint
from selene_os.proof.evidence import Case, Proven
from selene_os.proof.key_chain import read_statement
from selene_os.proof.notes import parse_note
from selene_os.proof.report_style import STYLE
from selene_os.reasons import MEANINGS, ReasonCode, reason_name

# Controls, and what turns, joins or hides text. Fixed here, since what Python calls printable
# changes with its version, and a report must not.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_NANOSECONDS: Final = 1_000_000_000
_TITLES: Final = {
    "INTENT_DRAFT": "A request was understood",
    "CLARIFY": "A question was asked back",
    "CHAT": "Nothing was asked for",
    "CONFIRMED": "The user said yes",
    "DECLINED": "The user said no",
    "CHANGED": "The user wanted it otherwise",
    "PROFILE": "A tone and delivery were chosen",
}
_LABELS: Final = {
    "intent_type": "Request",
    "overall_confidence": "Confidence",
    "required_fields": "Needs",
    "ambiguity_flags": "Ambiguous",
    "what_is_missing": "Missing",
    "accepted_answer_formats": "Answers accepted",
    "clarification_unit_id": "Question",
    "draft_event_id": "Draft",
    "focus_span_ref": "Focus",
    "style_profile_ref": "Style",
    "delivery_policy_ref": "Delivery",
    "preferences_snapshot_ref": "Preferences",
}


def readme(case: Case) -> str:
    """The lines of README.txt: what a bundle is, and how to check it."""
    row = case.rows[0].row
    return (
        f"The record of one conversation with an assistant: tenant {_shown(row.tenant_id)},"
        f" conversation {_shown(row.correlation_id)}, {_many(len(case.rows), 'row')}."
        " Read report.html.\n"
        "To check it without trusting whoever sent it, ask whoever runs the log for its key, by"
        " another way than this file came.\n"
        "verify_case.py cannot vouch for itself: compare its SHA-256 with the one published with"
        " each release of Selene, or take the file from there.\n"
        "Then: python3 verify_case.py case.zip --key '<name>+<id>+<public key>' (Python 3.9 or"
        " later; `pip install cryptography` for the signature).\n"
        "It ends with 0 where everything holds, 3 where anything was changed, 4 where something"
        " could not be checked; each finding is a line: file, row, what differs.\n"
    )


def html(case: Case) -> str:
    """The page. Raises BadField: the checkpoint or a statement is not of its form."""
    checkpoint = parse_checkpoint(parse_note(case.note).text)
    row = case.rows[0].row
    title = f"Case file: {_shown(row.tenant_id)}, {_shown(row.correlation_id)}"
    parts = [
        _head(case, checkpoint),
        "<section><h2>What was decided, turn by turn</h2>",
        *(_turn(proven, case.inputs.get(proven.row.event_id)) for proven in case.rows),
        "</section>",
        _sealing(case, checkpoint),
        _how_to_verify(),
        _not_proven(case),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(case: Case, checkpoint: Checkpoint) -> str:
    rows = [proven.row for proven in case.rows]
    times = sorted(row.created_at for row in rows)
    users = sorted({row.user_id for row in rows if row.user_id is not None})
    facts = {
        "Tenant": _text(rows[0].tenant_id),
        "Conversation": _code(rows[0].correlation_id),
        "Users": ", ".join(map(_text, users)) or "none",
        "From": _moment(times[0]),
        "To": _moment(times[-1]),
    }
    proven = len(rows) - len(case.unsealed)
    what = f"{proven} of {_many(len(rows), 'row')}"
    if case.unsealed:
        seal = (
            f'<div class="seal open"><strong>{what} sealed.</strong> The others are marked'
            " “not proven” below: they were not in the signed log when this was made, and nothing"
            " here shows that they are as they were written.</div>"
        )
    else:
        seal = (
            f'<div class="seal"><strong>{what} sealed.</strong> Each stands in a log of'
            f" {_many(checkpoint.size, 'row')} whose root is signed. This page says so; only a"
            " check of the bundle shows it.</div>"
        )
    return (
        '<header><p class="kicker">Selene · case file</p>'
        f"<h1>One conversation, {_many(len(rows), 'decision')}</h1>{_facts(facts)}</header>{seal}"
    )


def _turn(proven: Proven, said: Disclosed | None) -> str:
    row, index, _ = proven
    payload = _payload(row)
    decision = str(payload.pop("decision", "PROFILE" if row.engine == "PH1.PERSONA" else "RECORD"))
    code = next((code for code in ReasonCode if code == row.reason_code), None)
    meaning = MEANINGS[code] if code else "This version does not know the reason's code."
    who = [("user", row.user_id), ("device", row.device_id), ("session", row.session_id)]
    shown = [key for key in _LABELS if key in payload] + sorted(payload.keys() - _LABELS.keys())
    facts = {_LABELS.get(key, key): _value(payload[key]) for key in shown}
    facts["Who, where"] = ", ".join(f"{kind} {_text(name)}" for kind, name in who if name)
    facts["Decided by"] = _text(f"{row.engine} {row.engine_version or ''}".strip())
    if index is None:
        place = '<strong class="unproven">Not proven:</strong> not sealed yet'
    else:
        place = f"Leaf {index} of the log"
    spoken = _said(said)
    return (
        f'<article class="turn"><header><h3>Turn {row.turn_id}. '
        f"{_TITLES.get(decision, 'A row of the ledger')}</h3>"
        f'<span class="badge">{_text(decision)}</span>'
        f'<span class="when">{_moment(row.created_at)}</span></header>'
        f'<p class="reason">{escape(meaning)} {_code(reason_name(row.reason_code))}</p>'
        + (f"<blockquote>{spoken}</blockquote>" if spoken else "")
        + _facts(facts)
        + f'<p class="place">{place} · row {_code(row.event_id)}</p></article>'
    )


def _sealing(case: Case, checkpoint: Checkpoint) -> str:
    signed = [f"{one.name}+{one.key_id.hex()}" for one in parse_note(case.note).signatures]
    keys = [read_statement(one).key.encode() for one in case.statements]
    facts = {
        "Log": _code(checkpoint.origin),
        "Rows in the log": str(checkpoint.size),
        "Root": _code(checkpoint.root.hex()),
        "Signed by": "<br>".join(map(_code, signed)),
        # To the last digit: what nobody signed is held by nothing but this line.
        "Sealed": f"{_moment(case.sealed_at, 9)}, as the log says; no signature covers the time",
        "Keys of the log": "<br>".join(map(_code, keys)),
    }
    if case.consistency is not None:
        size, root, _ = case.consistency
        facts["Grown from"] = f"{_many(size, 'row')}, root {_code(root.hex())}"
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in (facts.items())
    )
    return f"<section><h2>The seal</h2><table><tbody>{rows}</tbody></table></section>"


def _how_to_verify() -> str:
    return (
        "<section><h2>How to check this yourself</h2>"
        "<p>This page is not the evidence; the files beside it are. Nothing of Selene has to be"
        " trusted or installed.</p><ol>"
        "<li>Get <code>verify_case.py</code> from Selene’s release page and compare its SHA-256"
        " with the one that is published there. It is about 400 lines; read it if you like.</li>"
        "<li>Ask whoever runs the log for its key, by another way than the one this bundle came by,"
        " and compare it with the keys above.</li>"
        "<li>Run it on the whole zip:"
        "<pre>python3 verify_case.py case.zip --key &#x27;&lt;the key’s line&gt;&#x27;</pre>"
        "It computes each row’s leaf anew, follows its proof to the signed root, and names each"
        " file and row that differs.</li>"
        "<li>Where you have Selene, <code>selene verify-bundle case.zip</code> also makes this page"
        " again from the rows and compares it.</li></ol></section>"
    )


def _not_proven(case: Case) -> str:
    points = [
        "<strong>That nothing was left out.</strong> A proof shows that a row is in the log, not"
        " that the log holds no other row of this conversation." + _gaps(case),
        "<strong>That a row was true when it was written.</strong> It shows what was recorded, and"
        " that it was not changed since it was sealed. Between writing and sealing only the"
        " database’s own guards stood.",
        "<strong>When.</strong> All times are those of the recording machine’s clock. No signature"
        " covers the time of sealing; a checkpoint that you kept yourself does better.",
        "<strong>Who spoke.</strong> User and device are what the assistant’s operator registered.",
        "<strong>That there is only one log.</strong> Whoever holds the signing key can sign two."
        " Two checkpoints that do not agree are the proof of it: keep those that you get.",
    ]
    if case.unsealed:
        names = ", ".join(_code(row.event_id) for row in case.unsealed)
        points.insert(0, f"<strong>Anything about the rows that are not sealed:</strong> {names}.")
    items = "".join(f"<li>{point}</li>" for point in points)
    return f"<section><h2>What this does not prove</h2><ul>{items}</ul></section>"


def _gaps(case: Case) -> str:
    turns = sorted({0} | {proven.row.turn_id for proven in case.rows})
    gaps = [
        f"{before + 1}" if after == before + 2 else f"{before + 1} to {after - 1}"
        for before, after in pairwise(turns)
        if after > before + 1
    ]
    if not gaps:
        return ""
    return f" Turns without a row here: {', '.join(gaps)}."


def _payload(row: WholeRow) -> dict[str, Any]:
    """A row's payload; of one that no engine wrote, its text."""
    try:
        payload = json.loads(row.payload_min)
        # What cannot be written again cannot be shown in parts either.
        json.dumps(payload)
    except (ValueError, RecursionError):
        payload = None
    return payload if isinstance(payload, dict) else {"payload_min": row.payload_min}


def _said(said: Disclosed | None) -> str:
    """The words of a turn, where its record holds them."""
    try:
        request = json.loads(said.plaintext)["request"] if said else {}
        words = request.get("text")
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        words = None
    return escape(_shown(words)) if isinstance(words, str) else ""


def _facts(facts: dict[str, str]) -> str:
    cells = (f"<dt>{_text(name)}</dt><dd>{value}</dd>" for name, value in facts.items() if value)
    return f"<dl>{''.join(cells)}</dl>"


def _value(value: object) -> str:
    """A payload's value: text, a list of texts, or anything else as JSON."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(map(_text, value))
    if isinstance(value, str):
        return _text(value)
    return _text(json.dumps(value, ensure_ascii=False, sort_keys=True))


def _moment(at: int, digits: int = 3) -> str:
    """A moment in UTC, to the millisecond or to more digits."""
    seconds, rest = divmod(at, _NANOSECONDS)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    shown = moment.replace(tzinfo=None).isoformat(" ")
    return f"{shown}.{f'{rest:09}'[:digits]} UTC"


def _many(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _text(text: str) -> str:
    return f"<bdi>{escape(_shown(text))}</bdi>"


def _code(text: str) -> str:
    return f"<code>{escape(_shown(text))}</code>"


def _shown(text: str) -> str:
    return "".join(_spelt(text))


def _spelt(text: str) -> Iterator[str]:
    at = 0
    for found in _HIDDEN.finditer(text):
        yield text[at : found.start()]
        yield f"\\u{{{ord(found[0]):04x}}}"
        at = found.end()
    yield text[at:]
