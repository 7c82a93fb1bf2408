"""What one commit writes: the rows of a turn, of a profile, of a decision brought along."""

from __future__ import annotations

from collections.abc import Callable

from selene_os import names, records
from selene_os.decision import Decision
from selene_os.engines import nlp, persona
from selene_os.errors import BadField
from selene_os.ledger import codec
from selene_os.ledger.events import PLAIN_KEY_ID, Unit, Utterance
from selene_os.turn import Understood

MakeId = Callable[[], names.EventId]


def of_turn(
    scope: codec.Scope,
    place: codec.Place,
    understood: Understood,
    created_at: int,
    event_id: MakeId,
) -> Unit:
    """The rows of one turn: an event for each draft, its record, and what was said."""
    results = understood.result.drafts or (understood.result,)
    events, rows = [], []
    for number, result in enumerate(results, 1):
        spot = place if number == 1 else _nth(place, number)
        decision = records.nlp_decision(result)
        event = codec.encode_event(decision, scope, spot, event_id(), created_at)
        answer = understood.result if number == 1 else result
        record = records.of_turn(understood.request, answer, understood.hand_overs)
        events.append(event)
        rows.append(records.row(event, nlp.VERSION, nlp.pack_digest(), record))
    said = _utterance(scope, place, understood.request.text, created_at)
    return Unit(tuple(events), tuple(rows), said)


def of_profile(
    scope: codec.Scope,
    place: codec.Place,
    request: persona.Request,
    result: persona.Result,
    snapshot: persona.Snapshot,
    created_at: int,
    event_id: MakeId,
) -> Unit:
    """The rows of a profile commit."""
    decision = records.profile_decision(result, snapshot)
    event = codec.encode_event(decision, scope, place, event_id(), created_at)
    record = records.of_profile(request, result, snapshot)
    return Unit((event,), (records.row(event, persona.VERSION, None, record),))


def of_decision(
    scope: codec.Scope,
    place: codec.Place,
    decision: Decision,
    text: str | None,
    created_at: int,
    event_id: MakeId,
) -> Unit:
    """The rows of a decision brought along, with what was said if it was given.

    Raises:
        BadField: it is no decision of an utterance, or the text is outside its bounds.
    """
    event = codec.encode_event(decision, scope, place, event_id(), created_at)
    if event.engine != codec.PH1_NLP:
        raise BadField("decision", "is a profile", "Commit profiles with `commit_profile`.")
    said = None
    if text is not None:
        said = _utterance(scope, place, nlp.check_utterance(text), created_at)
    return Unit((event,), (records.row(event, "", None, records.BROUGHT),), said)


def _nth(place: codec.Place, number: int) -> codec.Place:
    """The place of a further draft of one turn: `<key>#2`."""
    key = names.parse_idempotency_key(f"{place.idempotency_key}#{number}")
    return codec.Place(place.correlation_id, place.turn_id, key)


def _utterance(scope: codec.Scope, place: codec.Place, text: str, created_at: int) -> Utterance:
    return Utterance(
        scope.tenant_id,
        place.correlation_id,
        place.turn_id,
        "USER",
        "TYPED_TEXT",
        scope.user_id,
        scope.device_id,
        text.encode(),
        PLAIN_KEY_ID,
        "PRIVATE",
        created_at,
    )
