"""Operations of proof and audit: inclusion, checkpoints, bundles, sealing, who read what."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from selene_os.edges.apikeys import ADMIN, AUDIT, EXPORT
from selene_os.edges.http import answers, cursors, models, records
from selene_os.edges.http.operations import (
    NOTE,
    ZIP,
    Call,
    Operation,
    Place,
    Reply,
    replied,
)
from selene_os.edges.http.problems import refused
from selene_os.edges.http.reading import next_link
from selene_os.errors import BadField, NotFound
from selene_os.names import EventId

_SIZE_DIGITS_MAX: Final = 18


def prove(call: Call) -> Reply:
    """What proves one row against the newest checkpoint."""
    return replied(records.proof(call.tenant.proof(call.path["event_id"])))


def checkpoints(call: Call) -> Reply:
    """Checkpoints, the smallest first."""
    tenant_id, limit = call.key.tenant_id, call.query.limit
    cursor = call.query.cursor
    after = 0 if cursor is None else int(cursors.decode(tenant_id, "checkpoints", cursor))
    rows = call.tenant.checkpoints(after, limit)
    # A page that is full may be the last one: the next is empty then, which costs one request.
    full = len(rows) == limit
    following = cursors.encode(tenant_id, "checkpoints", str(rows[-1].size)) if full else None
    record = {
        "checkpoints": [records.checkpoint(row) for row in rows],
        "next_cursor": following,
    }
    query = {"limit": limit, "cursor": following}
    return replied(record, 200, *next_link(call, ("checkpoints",), query))


def checkpoint(call: Call) -> Reply:
    """One checkpoint as the note that was signed."""
    size = call.path["size"]
    if size == "latest":
        return Reply(200, call.tenant.checkpoint().note, NOTE)
    if not (size.isascii() and size.isdecimal() and len(size) <= _SIZE_DIGITS_MAX):
        raise BadField("size", "is no size of a tree", "Give a whole number, or latest.")
    return Reply(200, call.tenant.checkpoint(int(size)).note, NOTE)


def bundle(call: Call) -> Reply:
    """A conversation's evidence as one file."""
    call.noted = True
    correlation, asked = call.path["correlation_id"], call.query
    made = call.tenant.bundle(
        correlation,
        against=None if asked.against is None else _note(asked.against),
        unsealed=asked.unsealed == "true",
        with_inputs=asked.with_inputs == "true",
    )
    disposition = f'attachment; filename="case-{correlation}.zip"'
    return Reply(200, made, ZIP, ((b"content-disposition", disposition.encode()),))


def _note(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadField("against", "is no base64url", "Give the note's bytes in it.") from None


def seal(call: Call) -> Reply:
    """Take what is committed into the tenant's tree, and sign what it is then."""
    if call.deployment.seal is None:
        raise refused("NotOffered", "The signing key is not here.", "Run `selene seal` beside it.")
    rows = call.deployment.seal(call.key.tenant_id)
    try:
        newest = records.checkpoint(call.tenant.checkpoint())
    except NotFound:
        newest = None
    return replied({"rows": rows, "checkpoint": newest})


def access_events(call: Call) -> Reply:
    """Who asked for what, the newest first."""
    if call.deployment.access_events is None:
        raise refused("NotOffered", "No access events are kept here.", "Ask the operator.")
    tenant_id, limit, cursor = call.key.tenant_id, call.query.limit, call.query.cursor
    after: Place | None = None
    if cursor is not None:
        at, _, access_id = cursors.decode(tenant_id, "access", cursor).partition(".")
        after = (int(at), EventId(access_id))
    found = call.deployment.access_events(tenant_id, after, limit + 1)
    page, following = found[:limit], None
    if len(found) > limit:
        last = page[-1]
        following = cursors.encode(tenant_id, "access", f"{last.at}.{last.access_id}")
    record = {"events": [records.access(one) for one in page], "next_cursor": following}
    query = {"limit": limit, "cursor": following}
    return replied(record, 200, *next_link(call, ("access-events",), query))


OPERATIONS: Final = (
    Operation(
        "getProof",
        "GET",
        "decisions/{event_id}/proof",
        (AUDIT,),
        prove,
        "Prove that one decision stands in the signed log.",
        "The leaf is made of `row`, byte for byte as in a bundle's rows.jsonl; the proof is RFC"
        " 6962's, against the newest checkpoint. `keys` came with the answer: compare the key's id"
        " with one that you were given.",
        answers={200: answers.Proof},
        refusals=(404,),
    ),
    Operation(
        "listCheckpoints",
        "GET",
        "checkpoints",
        (AUDIT,),
        checkpoints,
        "List checkpoints, the smallest first.",
        query=models.Page,
        answers={200: answers.Checkpoints},
    ),
    Operation(
        "getCheckpoint",
        "GET",
        "checkpoints/{size}",
        (AUDIT,),
        checkpoint,
        "Read one checkpoint as it was signed; `latest` is the newest.",
        answers={200: NOTE},
        refusals=(404,),
        tagged=True,
    ),
    Operation(
        "getBundle",
        "GET",
        "conversations/{correlation_id}/bundle",
        (EXPORT,),
        bundle,
        "Take a conversation's evidence as one file, to be checked without Selene.",
        query=models.Evidence,
        answers={200: ZIP},
        refusals=(404,),
    ),
    Operation(
        "seal",
        "POST",
        "seal",
        (ADMIN,),
        seal,
        "Seal what is committed, and sign a checkpoint.",
        answers={200: answers.Sealed},
        refusals=(501,),
    ),
    Operation(
        "listAccessEvents",
        "GET",
        "access-events",
        (AUDIT,),
        access_events,
        "List who asked for what, the newest first.",
        query=models.Page,
        answers={200: answers.AccessEvents},
        refusals=(501,),
    ),
)
