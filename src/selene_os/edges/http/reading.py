"""Operations that read: conversations, decisions, search, replay, what is understood and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from selene_os import records as kept_records
from selene_os.edges import story, wire
from selene_os.edges.apikeys import AUDIT, EXPORT, READ
from selene_os.edges.http import answers, cursors, models, records
from selene_os.edges.http.moments import nanoseconds, told
from selene_os.edges.http.operations import Call, Header, Operation, Reply, replied
from selene_os.edges.http.problems import refused
from selene_os.engines import nlp
from selene_os.engines.nlp.explaining import explain
from selene_os.errors import NotFound
from selene_os.ledger.events import AuditEvent
from selene_os.tenancy import moment_of

READS: Final = (READ, AUDIT)


def trace(call: Call) -> Reply:
    """A conversation's decisions, or its whole story."""
    correlation = call.path["correlation_id"]
    if call.query.explain == "true":
        record = records.story(story.of_conversation(call.tenant, correlation))
        if not record["turns"]:
            raise _no_conversation()
        _tell_makers(call, [one for turn in record["turns"] for one in turn["events"]])
        return replied(record)
    events = call.tenant.trace(correlation)
    if not events:
        raise _no_conversation()
    return replied({"events": _events(call, events)})


def _events(call: Call, events: Iterable[AuditEvent]) -> list[records.Record]:
    """Rows, each with what decided it."""
    return _tell_makers(call, [records.event(event) for event in events])


def _tell_makers(call: Call, told: list[records.Record]) -> list[records.Record]:
    made = call.tenant.made_by([one["event_id"] for one in told])
    for one in told:
        one.update(records.made_by(made.get(one["event_id"])))
    return told


def _no_conversation() -> NotFound:
    return NotFound("has no rows", "Search for its decisions.", field="correlation_id")


def search(call: Call) -> Reply:
    """Find decisions, the newest first."""
    asked: models.Search = call.query
    question = asked.model_dump(exclude={"cursor", "limit"}, exclude_none=True)
    named = f"search {urlencode(sorted(question.items()))}"
    after = None
    if asked.cursor is not None:
        after = cursors.decode(call.key.tenant_id, named, asked.cursor)
    page = call.tenant.search(
        intent=asked.intent,
        reason=asked.reason,
        decision=asked.decision,
        user=asked.user,
        device=asked.device,
        since=None if asked.since is None else nanoseconds("since", asked.since),
        until=None if asked.until is None else nanoseconds("until", asked.until),
        after=after,
        rows=asked.limit,
    )
    found = _events(call, page.events)
    following = page.cursor and cursors.encode(call.key.tenant_id, named, page.cursor)
    record = {"events": found, "next_cursor": following}
    more = {**question, "limit": asked.limit, "cursor": following}
    return replied(record, 200, *next_link(call, ("decisions",), more))


def next_link(call: Call, path: tuple[str, ...], query: dict[str, object]) -> tuple[Header, ...]:
    """The header that leads to the next page, where there is one."""
    if query["cursor"] is None:
        return ()
    url = f"{call.url(*path)}?{urlencode(query)}"
    return ((b"link", f'<{url}>; rel="next"'.encode()),)


def decision(call: Call) -> Reply:
    """One row, and what decided it; with its record where the key may see what was said."""
    event, kept = call.tenant.decision(call.path["event_id"])
    record = records.event(event) | records.made_by(kept)
    if call.query.record == "true":
        if EXPORT not in call.key.scopes:
            raise refused(
                "ScopeMissing",
                "A record holds what was said; that needs the scope export.",
                "Use a key with it, or leave record out.",
            )
        call.noted = True
        record["record"] = None if kept is None else kept_records.decode(kept)
    return replied(record)


def replay(call: Call) -> Reply:
    """Decide a conversation's events again, and compare; nothing is written."""
    replayed = call.tenant.replay(call.path["correlation_id"])
    if not replayed:
        raise _no_conversation()
    outcomes = Counter(one.outcome for one in replayed)
    totals = {
        "events": len(replayed),
        "identical": outcomes["IDENTICAL"],
        "different": outcomes["DIFFERENT"],
        "not_replayable": outcomes["NOT_REPLAYABLE"],
        "differing": sum(one.differs for one in replayed),
    }
    return replied({"events": [wire.replayed_record(one) for one in replayed], "totals": totals})


def explain_text(call: Call) -> Reply:
    """Understand an utterance and tell every step; nothing is stored."""
    body: models.Explain = call.body
    settings, pack = call.tenant.settings, call.deployment.selene.pack
    moment = moment_of(body.now, call.deployment.clock(), settings.zone)
    request = {
        "text": body.text,
        "language": body.language,
        "now": moment.isoformat(),
        "transcript_confidence": body.transcript_confidence,
        "policy": {
            "time": settings.time_policy,
            "currency": settings.currency,
            "date_order": settings.date_order,
            "zone": settings.zone,
        },
    }
    explanation = explain(nlp.decode_request(request), pack)
    return replied(
        {
            "explanation": explanation.as_record(),
            "engine": nlp.NAME,
            "engine_version": nlp.VERSION,
            "pack_digest": pack.digest,
        }
    )


def packs(call: Call) -> Reply:
    """What can be asked for in this deployment."""
    pack = call.deployment.selene.pack
    return replied(
        {
            "name": pack.name,
            "version": pack.version,
            "digest": pack.digest,
            "parts": [
                {"name": one.name, "version": one.version, "digest": one.digest}
                for one in pack.parts
            ],
            "intents": [
                {
                    "intent_type": one.intent_type,
                    "required": list(one.required),
                    "one_of": list(one.one_of),
                    "optional": list(one.optional),
                    "confirm": one.confirm,
                    "sensitivity": one.sensitivity,
                }
                for one in pack.intents.values()
            ],
        }
    )


def memories(call: Call) -> Reply:
    """What is remembered of a user."""
    at = None if call.query.at is None else nanoseconds("at", call.query.at)
    held = call.tenant.memories(call.path["user_id"], at)
    listed = [told(wire.memory_record(one), "updated_at") for one in held]
    return replied({"memories": listed})


OPERATIONS: Final = (
    Operation(
        "trace",
        "GET",
        "conversations/{correlation_id}",
        READS,
        trace,
        "Tell a conversation: its decisions by turn.",
        "With `explain=true` the whole story: what was said, what each engine did with it, what"
        " waited for a yes and what became of it.",
        query=models.Trace,
        answers={200: answers.Story},
        refusals=(404,),
        tagged=True,
    ),
    Operation(
        "replay",
        "POST",
        "conversations/{correlation_id}/replay",
        READS,
        replay,
        "Decide a conversation's events again and compare, field by field.",
        answers={200: answers.Replayed},
        refusals=(404,),
    ),
    Operation(
        "search",
        "GET",
        "decisions",
        READS,
        search,
        "Find decisions, the newest first, page by page.",
        "All that is given must hold. `Link: rel=next` and `next_cursor` lead on.",
        query=models.Search,
        answers={200: answers.Found},
    ),
    Operation(
        "getDecision",
        "GET",
        "decisions/{event_id}",
        READS,
        decision,
        "Read one decision, with what made it.",
        query=models.Read,
        answers={200: answers.Decision},
        refusals=(404,),
        tagged=True,
    ),
    Operation(
        "explain",
        "POST",
        "explain",
        READS,
        explain_text,
        "Understand an utterance and tell why; nothing is stored.",
        body=models.Explain,
        answers={200: answers.Explained},
    ),
    Operation(
        "getPacks",
        "GET",
        "packs",
        READS,
        packs,
        "List what can be asked for.",
        answers={200: answers.Packs},
        tagged=True,
    ),
    Operation(
        "listMemories",
        "GET",
        "memories/{user_id}",
        READS,
        memories,
        "List what is remembered of a user.",
        query=models.At,
        answers={200: answers.Memories},
    ),
)
