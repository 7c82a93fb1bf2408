"""The description's examples: requests to a fresh ledger, in order, and what they are answered.

Run as a program it asks them again and writes the answers where the description takes them from.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import selene_os
from ledgers import Ledger, SqliteDatabase
from selene_os.edges.http.operations import BODY_BYTES_MAX
from serving import NOON, Served, Told, turn

FILE: Final = Path(selene_os.__file__).parent / "edges" / "http" / "examples.json"
Record = dict[str, Any]
# Name, method, path, body, and what else.
Asked = tuple[str, str, str, Any, Record]
PAY: Final = "send $20 to Bob"


def requests(done: dict[str, Any]) -> list[Asked]:
    """Every request, made of the answers so far, by name."""
    return [*_before(), *_deciding(done), *_reading(done), *_behind(done)]


def _of(done: dict[str, Any], name: str, key: str) -> str:
    return str(done.get(name, {}).get(key, "-"))


def _before() -> list[Asked]:
    term = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED", "canonical": "Falcon"}
    trip = {"user_id": "erin", "device_id": "car", "session_id": "trip"}
    settings = {"currency": "USD", "zone": "Europe/Berlin"}
    return [
        ("getTenant", "GET", "/v1/tenants/acme", None, {}),
        ("addIdentity", "POST", "identities", {"user_id": "erin"}, {}),
        ("addDevice", "POST", "devices", {"user_id": "erin", "device_id": "car"}, {}),
        ("openSession", "POST", "sessions", trip, {}),
        ("listIdentities", "GET", "identities?status=ACTIVE&limit=2", None, {}),
        ("getIdentity", "GET", "identities/erin", None, {}),
        ("listDevices", "GET", "devices?user_id=erin", None, {}),
        ("listSessions", "GET", "sessions?open=true&limit=1", None, {}),
        ("getSession", "GET", "sessions/trip", None, {}),
        ("closeSession", "POST", "sessions/trip/close", None, {}),
        ("refusal:409", "DELETE", "sessions/trip", None, {}),
        ("deleteSession", "DELETE", "sessions/morning", None, {}),
        ("changeSettings", "PATCH", "settings", settings, {}),
        ("getSettings", "GET", "settings", None, {}),
        ("importTerms", "POST", "terms", {"terms": [term]}, {}),
        ("listTerms", "GET", "terms", None, {}),
    ]


def _deciding(done: dict[str, Any]) -> list[Asked]:
    key = {"headers": [["idempotency-key", "order-17"]]}
    intent = {
        "kind": "INTENT_DRAFT",
        "reason_code": "NLP_INTENT_OK",
        "intent_type": "ORDER_COFFEE",
        "overall_confidence": "HIGH",
        "required_fields": ["drink"],
    }
    alice = {"user_id": "alice", "device_id": "kitchen"}
    signal = {"key": "brevity_preference", "value": "short", "evidence_ref": "memory:1"}
    profile = {**alice, "speaker_id": "alice", "signals": [signal]}
    draft = {"draft_event_id": _of(done, "takeTurn", "event_id")}
    kinds: list[Record] = [{"kind": "CHAT"}, {"kind": "MAYBE"}]
    many = {"decisions": [{**alice, "decision": kind} for kind in kinds]}
    return [
        ("takeTurn", "POST", "turns", turn(PAY), key),
        ("takeTurnAgain", "POST", "turns", turn(PAY), key),
        ("confirm", "POST", "confirmations", draft, {}),
        ("commitProfile", "POST", "profiles", profile, {}),
        ("bringDecision", "POST", "decisions", {**alice, "decision": intent}, {}),
        ("bringDecisions", "POST", "decisions/batch", many, key),
    ]


def _reading(done: dict[str, Any]) -> list[Asked]:
    talk, event = _of(done, "takeTurn", "correlation_id"), _of(done, "bringDecision", "event_id")
    draft, yes = _of(done, "remember", "event_id"), _of(done, "yes", "event_id")
    applied = {"draft_event_id": draft, "confirmation_event_id": yes}
    return [
        ("trace", "GET", f"conversations/{talk}", None, {}),
        ("story", "GET", f"conversations/{talk}?explain=true", None, {}),
        ("replay", "POST", f"conversations/{talk}/replay", None, {}),
        ("search", "GET", "decisions?intent=ORDER_COFFEE&limit=1", None, {}),
        ("getDecision", "GET", f"decisions/{event}", None, {}),
        ("explain", "POST", "explain", {"text": "remind me to call mom", "now": NOON}, {}),
        ("getPacks", "GET", "packs", None, {}),
        ("remember", "POST", "turns", turn("remember that my locker is 42"), {}),
        ("yes", "POST", "confirmations", {"draft_event_id": draft}, {}),
        ("applyMemory", "POST", "memories/apply", applied, {}),
        ("listMemories", "GET", "memories/alice", None, {}),
        ("seal", "POST", "seal", None, {}),
        ("getProof", "GET", f"decisions/{event}/proof", None, {}),
        ("listCheckpoints", "GET", "checkpoints", None, {}),
        ("getCheckpoint", "GET", "checkpoints/latest", None, {}),
        ("getBundle", "GET", f"conversations/{talk}/bundle", None, {}),
    ]


def _behind(done: dict[str, Any]) -> list[Asked]:
    return [
        ("removeTerm", "DELETE", "terms/" + _term(done), None, {}),
        ("changeIdentity", "PATCH", "identities/alice", {"status": "DISABLED"}, {}),
        ("refusal:400", "POST", "turns", b'{"user_id":"alice","user_id":"bob"}', {}),
        ("refusal:401", "GET", "settings", None, {"key": None}),
        ("refusal:403", "POST", "turns", turn(PAY), {"key": "globex"}),
        ("refusal:404", "GET", f"conversations/{'2' * 32}", None, {}),
        ("refusal:413", "POST", "turns", b"x" * (BODY_BYTES_MAX + 1), {}),
        ("refusal:415", "POST", "turns", turn(PAY), {"kind": "text/plain"}),
        ("refusal:422", "POST", "turns", {**turn(PAY), "language": "fr"}, {}),
        ("listAccessEvents", "GET", "access-events?limit=1", None, {}),
    ]


def _term(done: dict[str, Any]) -> str:
    lines = done.get("importTerms", {}).get("lines") or [{"entry_id": "-"}]
    return str(lines[0]["entry_id"])


def ask_all(served: Served) -> list[Record]:
    """Every example, asked."""
    done: dict[str, Any] = {}
    made = []
    for number in range(len(requests(done))):
        name, method, path, body, more = requests(done)[number]
        told = served.ask(method, path, body, **more)
        answer = _content(told)
        done[name] = answer
        shown = None if isinstance(body, bytes) else body
        made.append(
            {
                "name": name,
                "request": {"method": method, "path": path, "body": shown},
                "answer": {"status": told.status, "body": answer},
            }
        )
    return made


def _content(told: Told) -> Any:
    kind = told.headers["content-type"]
    if "json" in kind:
        return told.json
    return told.content.decode() if kind.startswith("text/") else None


def fresh() -> list[Record]:
    """Every example, asked of a ledger of its own."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(SqliteDatabase(Path(folder)))
        served = Served(ledger, memory=True)
        try:
            return ask_all(served)
        finally:
            served.close()
            ledger.store.close()


if __name__ == "__main__":
    text = json.dumps(fresh(), ensure_ascii=False, indent=1)
    FILE.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{FILE}: {len(text)} characters\n")
