"""A tenant's terms: what may stand in a bundle, how one is kept, and PH1.KNOW's hints of it.

The dictionary is a bundle named by its content, and changes by taking the place of the one before:
a decision's record names the bundle it was made with. Source: docs/spec/002 §11.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from selene_os.engines import know
from selene_os.errors import (
    BadField,
    Fault,
    KeysMissing,
    LedgerUnavailable,
    NotFound,
    Overtaken,
    Refusal,
)
from selene_os.ledger import codec
from selene_os.ledger.events import PLAIN_KEY_ID, TermBundle
from selene_os.ledger.store import Store
from selene_os.names import TenantId, check_each, parse_time_ns
from selene_os.reasons import ReasonCode
from selene_os.turn import NO_HINTS, Hints, closed_hints, hints_of

TERM_KEYS: Final = (
    "entry_id", "tenant_id", "kind", "source", "canonical", "locale", "evidence_ref",
)  # fmt: skip
_TRIES: Final = 16
_KEPT_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one line of an import.

    Attributes:
        number: its place, from 1 on.
        entry_id: the term's name; None where the line has none that can be read.
        became: added, changed, same or refused; left out where another line was refused.
        refusal: why it was refused; None where it was not.
    """

    number: int
    entry_id: str | None
    became: str
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an import.

    Attributes:
        lines: one for each that was given, in order.
        written: the tenant's dictionary is now what the accepted lines make of it.
        digest: of the bundle that is in use.
        terms: how many it holds.
    """

    lines: tuple[Line, ...]
    written: bool
    digest: str | None
    terms: int


class Dictionaries:
    """The hints of the bundles that were used last, each made ready once; safe for threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[TenantId, str], Hints] = OrderedDict()
        self._lock = threading.Lock()

    def hints(self, store: Store, tenant_id: TenantId, digest: str | None) -> Hints:
        """PH1.KNOW's hints of a tenant's bundle; none, with the reason, where it is not sound."""
        if digest is None:
            return NO_HINTS
        named = (tenant_id, digest)
        with self._lock:
            if (kept := self._kept.get(named)) is not None:
                self._kept.move_to_end(named)
                return kept
        row = _bundle(store, tenant_id, digest)
        made = closed_hints(digest, ReasonCode.KNOW_VALIDATION_FAILED)
        if row is not None and (entries := _sound(store, row)) is not None:
            made = hints_of(tenant_id, entries, digest)
        with self._lock:
            self._kept[named] = made
            while len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        return made


def entries_of(store: Store, tenant_id: TenantId) -> tuple[know.Entry, ...]:
    """A tenant's terms, by kind and word; none where it has none.

    Raises:
        BadField: the bundle in use is not sound.
    """
    return _in_use(store, tenant_id)[1]


def parse_entry(tenant_id: TenantId, given: Mapping[str, Any]) -> know.Entry:
    """One term of an import, checked as PH1.KNOW will check it.

    Args:
        given: entry_id (made from the term where it is missing), kind, source, canonical, locale,
            evidence_ref; tenant_id, where it is given, must be this tenant.

    Raises:
        BadField: a key is not known, a value is outside its bounds, the term is another tenant's,
            or its source or consent is not enough.
    """
    for key in given:
        if key not in TERM_KEYS:
            raise BadField(f"{key!s:.64}", "is no key of a term", "Give " + ", ".join(TERM_KEYS))
    values = {key: given[key] for key in TERM_KEYS if given.get(key) not in (None, "")}
    if values.setdefault("tenant_id", tenant_id) != tenant_id:
        raise _closing("tenant_id", ReasonCode.KNOW_FOREIGN_TERM, "Leave it out, or import there.")
    for key in ("kind", "source", "canonical"):
        if key not in values:
            raise BadField(key, "is missing", "Give it in each line.")
    for key, value in values.items():
        if not isinstance(value, str):
            raise BadField(key, f"must be text, not {type(value).__name__}", "Give a string.")
    values.setdefault("locale", "en")
    if "entry_id" not in values:
        named = f"{values['kind']}\0{values['canonical']}\0{values['locale']}"
        digest = hashlib.sha256(named.encode(errors="replace")).hexdigest()
        values["entry_id"] = f"term_{digest[:24]}"
    entry = know.Entry(**values)
    if not know.is_verified(entry):
        step = f"Give a source of {' | '.join(know.VERIFIED_SOURCES)}."
        if entry.source in know.VERIFIED_SOURCES:
            step = "Name in evidence_ref where the user's consent is recorded."
        raise _closing("source", ReasonCode.KNOW_UNVERIFIED_TERM, step)
    return entry


def put(
    store: Store,
    tenant_id: TenantId,
    given: Sequence[Mapping[str, Any]],
    created_at: int,
    *,
    replace_all: bool = False,
    skip_refused: bool = False,
) -> Imported:
    """Add terms to a tenant's dictionary, or change those of the same id.

    Args:
        given: the lines; see `parse_entry`.
        created_at: nanoseconds since 1970 UTC.
        replace_all: what is not among the lines is taken out.
        skip_refused: take the good lines where others are refused; else a refused one leaves the
            dictionary as it was, and so do lines that are all refused.

    Raises:
        NotFound: no such tenant. Overtaken: others changed the dictionary again and again.
    """
    # Once: a try that is overtaken reads the lines again.
    taken: tuple[Any, ...] = check_each("lines", given, object)
    for _ in range(_TRIES):
        # A dictionary that is not sound is no hindrance where another takes its place.
        after, there = _in_use(store, tenant_id, damaged=() if replace_all else None)
        before = {entry.entry_id: entry for entry in there}
        entries = {} if replace_all else dict(before)
        lines = []
        seen: set[str] = set()
        for number, one in enumerate(taken, 1):
            lines.append(_line(tenant_id, number, one, before, entries, seen))
        refused = [line for line in lines if line.refusal]
        if refused and (not skip_refused or len(refused) == len(lines)):
            lines = [line if line.refusal else replace(line, became="left out") for line in lines]
            return Imported(tuple(lines), False, after, len(there))
        bundle = bundle_of(tenant_id, entries.values(), created_at, store)
        if bundle.digest == after or store.put_terms(bundle, after):
            return Imported(tuple(lines), True, bundle.digest, len(entries))
    raise _busy()


def remove(
    store: Store, tenant_id: TenantId, entry_ids: Iterable[str], created_at: int
) -> Imported:
    """Take terms out of a tenant's dictionary. Raises NotFound: there is no such term."""
    wanted = list(dict.fromkeys(check_each("entry_id", entry_ids, str)))
    for _ in range(_TRIES):
        after, there = _in_use(store, tenant_id)
        entries = {entry.entry_id: entry for entry in there}
        for entry_id in wanted:
            if entries.pop(entry_id, None) is None:
                raise NotFound(
                    f"{entry_id!r:.130} names no term", "See `selene terms list`.", field="entry_id"
                )
        bundle = bundle_of(tenant_id, entries.values(), created_at, store)
        if bundle.digest == after or store.put_terms(bundle, after):
            lines = tuple(Line(n, name, "removed") for n, name in enumerate(wanted, 1))
            return Imported(lines, True, bundle.digest, len(entries))
    raise _busy()


def bundle_of(
    tenant_id: TenantId, entries: Iterable[know.Entry], created_at: int, store: Store | None = None
) -> TermBundle:
    """The row of a dictionary: its terms in one order, named as a store names them."""
    ordered = sorted(entries, key=lambda entry: entry.entry_id)
    encoded = codec.encode_json([asdict(entry) for entry in ordered])
    digest = (
        hashlib.sha256(encoded).hexdigest()
        if store is None
        else store.terms_name(tenant_id, encoded)
    )
    return TermBundle(tenant_id, digest, encoded, PLAIN_KEY_ID, parse_time_ns(created_at))


def _line(
    tenant_id: TenantId,
    number: int,
    given: Mapping[str, Any],
    before: Mapping[str, know.Entry],
    entries: dict[str, know.Entry],
    seen: set[str],
) -> Line:
    """Take one line into the dictionary that is being made, or refuse it."""
    entry_id = given.get("entry_id") if isinstance(given, Mapping) else None
    try:
        if not isinstance(given, Mapping):
            raise BadField("line", "is no object", "Give the keys of a term.")
        entry = parse_entry(tenant_id, given)
        entry_id = entry.entry_id
        if entry_id in seen:
            raise BadField("entry_id", "stands in an earlier line", "Give each term once.")
        if entry_id not in entries and len(entries) >= know.TERMS_MAX:
            over = f"would be over the {know.TERMS_MAX} that a tenant may have"
            refusal = BadField("entries", over, "Take some out.")
            refusal.reason = ReasonCode.KNOW_BUDGET_EXCEEDED.name
            raise refusal
    except Refusal as refused:
        refused.reason = refused.reason or ReasonCode.KNOW_INPUT_SCHEMA_INVALID.name
        return Line(number, entry_id if isinstance(entry_id, str) else None, "refused", refused)
    seen.add(entry_id)
    entries[entry_id] = entry
    there = before.get(entry_id)
    became = "added" if there is None else "same" if there == entry else "changed"
    return Line(number, entry_id, became)


def _in_use(
    store: Store, tenant_id: TenantId, damaged: tuple[know.Entry, ...] | None = None
) -> tuple[str | None, tuple[know.Entry, ...]]:
    """The digest and the terms of the bundle in use; of one that is not sound `damaged`."""
    tenant = store.tenant(tenant_id)
    if tenant is None:
        raise NotFound("is not known", "Add the tenant.", field="tenant_id")
    if tenant.terms_digest is None:
        return None, ()
    row = _bundle(store, tenant_id, tenant.terms_digest)
    entries = None if row is None else _sound(store, row)
    if entries is not None and not all(
        entry.tenant_id == tenant_id and know.is_verified(entry) for entry in entries
    ):
        # It is closed, and stays so whatever is added.
        entries = None
    if entries is None and damaged is not None:
        entries = damaged
    if entries is None:
        raise BadField(
            "terms",
            f"of bundle {tenant.terms_digest} are not what was imported",
            "See `selene doctor`; `selene terms import --replace` begins anew.",
        )
    return tenant.terms_digest, entries


def _bundle(store: Store, tenant_id: TenantId, digest: str) -> TermBundle | None:
    """A bundle as it is kept; None also for one that is not what was encrypted there.

    A turn goes on without the terms that somebody spoilt.
    """
    try:
        return store.term_bundle(tenant_id, digest)
    except (LedgerUnavailable, KeysMissing):
        raise
    except Fault:
        return None


def _sound(store: Store, row: TermBundle) -> tuple[know.Entry, ...] | None:
    """The entries of a bundle that is what its name says; None where it is not."""
    if row.key_id != PLAIN_KEY_ID:
        return None
    # Where names are a key's, an older version may have named it by its SHA-256.
    if row.digest not in (
        store.terms_name(row.tenant_id, row.bundle),
        hashlib.sha256(row.bundle).hexdigest(),
    ):
        return None
    try:
        entries = codec.decode_json(row.bundle)
        if isinstance(entries, list):
            return tuple(know.Entry(**given) for given in entries)
    except (ValueError, TypeError, RecursionError, Refusal):
        pass
    return None


def _closing(field: str, reason: ReasonCode, next_step: str) -> BadField:
    refusal = BadField(field, "would close the whole bundle", next_step)
    refusal.reason = reason.name
    return refusal


def _busy() -> Overtaken:
    return Overtaken(
        f"changed {_TRIES} times meanwhile", "Import one file after the other.", field="terms"
    )
