"""Operations on who may write and how values are read: registrations, settings, terms, memory."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from selene_os.edges import wire
from selene_os.edges.apikeys import ADMIN, AUDIT, READ, WRITE
from selene_os.edges.http import answers, models, records
from selene_os.edges.http.moments import told
from selene_os.edges.http.operations import (
    BATCH_BYTES_MAX,
    Call,
    Operation,
    Reply,
    replied,
    written,
)
from selene_os.edges.http.problems import Problem, Refused, title_of
from selene_os.errors import BadField
from selene_os.remembering import QUERY

_READS: Final = (READ, AUDIT, ADMIN)


def add_identity(call: Call) -> Reply:
    """Add a user."""
    return _registered(call, call.body.user_id, None, None)


def add_device(call: Call) -> Reply:
    """Add a device of a user."""
    return _registered(call, call.body.user_id, call.body.device_id, None)


def open_session(call: Call) -> Reply:
    """Add a session on a device."""
    return _registered(call, call.body.user_id, call.body.device_id, call.body.session_id)


def _registered(call: Call, user: str, device: str | None, session: str | None) -> Reply:
    added = call.tenant.register(user, device, session)
    record = {"added": added, "user_id": user, "device_id": device, "session_id": session}
    return written(record, deduplicated=not added)


def change_identity(call: Call) -> Reply:
    """Refuse a user's writes, or accept them again."""
    user = call.path["user_id"]
    if call.body.status == "DISABLED":
        call.tenant.disable(user)
    else:
        call.tenant.enable(user)
    return replied({"user_id": user, "status": call.body.status})


def close_session(call: Call) -> Reply:
    """End a session for good."""
    session = call.path["session_id"]
    call.tenant.close_session(session)
    return replied({"session_id": session, "closed": True})


def get_settings(call: Call) -> Reply:
    """How ambiguous values are read."""
    return replied(records.settings(call.tenant.settings))


def change_settings(call: Call) -> Reply:
    """Change settings; null takes one back."""
    changes = call.body.model_dump(include=call.body.model_fields_set)
    return replied(records.settings(call.tenant.set(**changes)))


def terms(call: Call) -> Reply:
    """The tenant's dictionary."""
    entries = [asdict(entry) for entry in call.tenant.terms()]
    return replied({"terms": entries, "digest": call.tenant.settings.terms_digest})


def import_terms(call: Call) -> Reply:
    """Add terms, or change those of the same id; all of them unless `skip_refused`."""
    body: models.ImportTerms = call.body
    imported = call.tenant.import_terms(
        body.terms, replace_all=body.replace_all, skip_refused=body.skip_refused
    )
    record = wire.imported_record(imported)
    if imported.written:
        return replied(record)
    count = sum(line.refusal is not None for line in imported.lines)
    raise Refused(
        Problem(
            422,
            "BadField",
            title_of(BadField),
            f"terms: {count} of {len(imported.lines)} lines are refused; nothing was written",
            field="terms",
            next_step="Mend them, or say skip_refused to take the others.",
            more={"lines": record["lines"]},
        )
    )


def remove_term(call: Call) -> Reply:
    """Take one term out."""
    removed = call.tenant.remove_terms([call.path["entry_id"]])
    return replied(wire.imported_record(removed))


def apply_memory(call: Call) -> Reply:
    """Do what a MEMORY_… draft says, if the gates let it."""
    body: models.ApplyMemory = call.body
    call.about(body.draft_event_id)
    applied = call.tenant.apply_memory(body.draft_event_id, body.confirmation_event_id)
    record = wire.applied_record(applied)
    for one in record["memories"]:
        told(one, "updated_at")
    if applied.intent_type == QUERY or applied.receipt is None:
        return replied(record)
    return written(record, deduplicated=applied.receipt.deduplicated)


OPERATIONS: Final = (
    Operation(
        "addIdentity",
        "POST",
        "identities",
        (WRITE,),
        add_identity,
        "Add a user; adding them again changes nothing.",
        body=models.AddIdentity,
        answers={201: answers.Registered, 200: answers.Registered},
        refusals=(409,),
    ),
    Operation(
        "changeIdentity",
        "PATCH",
        "identities/{user_id}",
        (ADMIN,),
        change_identity,
        "Refuse a user's writes from now on, or accept them again.",
        body=models.ChangeIdentity,
        answers={200: answers.Identity},
        refusals=(404,),
    ),
    Operation(
        "addDevice",
        "POST",
        "devices",
        (WRITE,),
        add_device,
        "Add a device of a user.",
        "A user who is missing is added with it.",
        body=models.AddDevice,
        answers={201: answers.Registered, 200: answers.Registered},
        refusals=(409,),
    ),
    Operation(
        "openSession",
        "POST",
        "sessions",
        (WRITE,),
        open_session,
        "Open a session on a device.",
        "What is missing is added with it: the user, the device, the session.",
        body=models.OpenSession,
        answers={201: answers.Registered, 200: answers.Registered},
        refusals=(409,),
    ),
    Operation(
        "closeSession",
        "POST",
        "sessions/{session_id}/close",
        (WRITE,),
        close_session,
        "End a session for good.",
        answers={200: answers.Closed},
        refusals=(404, 409),
    ),
    Operation(
        "deleteSession",
        "DELETE",
        "sessions/{session_id}",
        (WRITE,),
        close_session,
        "End a session for good; the same as closing it.",
        answers={200: answers.Closed},
        refusals=(404, 409),
    ),
    Operation(
        "getSettings",
        "GET",
        "settings",
        _READS,
        get_settings,
        "Read the tenant's settings.",
        answers={200: answers.Settings},
    ),
    Operation(
        "changeSettings",
        "PATCH",
        "settings",
        (ADMIN,),
        change_settings,
        "Change settings; null takes one back.",
        body=models.ChangeSettings,
        answers={200: answers.Settings},
    ),
    Operation(
        "listTerms",
        "GET",
        "terms",
        _READS,
        terms,
        "List the tenant's terms.",
        answers={200: answers.Terms},
        tagged=True,
    ),
    Operation(
        "importTerms",
        "POST",
        "terms",
        (ADMIN,),
        import_terms,
        "Import terms; each line is told what became of it.",
        "Where one line is refused nothing is written, unless `skip_refused` is given.",
        body=models.ImportTerms,
        answers={200: answers.Imported},
        refusals=(409,),
        body_bytes_max=BATCH_BYTES_MAX,
    ),
    Operation(
        "removeTerm",
        "DELETE",
        "terms/{entry_id}",
        (ADMIN,),
        remove_term,
        "Take one term out.",
        answers={200: answers.Imported},
        refusals=(404, 409),
    ),
    Operation(
        "applyMemory",
        "POST",
        "memories/apply",
        (WRITE,),
        apply_memory,
        "Do what a confirmed MEMORY_… draft says, if the gates let it.",
        body=models.ApplyMemory,
        answers={201: answers.Applied, 200: answers.Applied},
        refusals=(404, 409),
    ),
)
