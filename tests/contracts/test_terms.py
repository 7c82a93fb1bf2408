"""A tenant's terms: one bundle at a time, named by its content, used whole or not at all.

Source: design, "PH1.KNOW"; docs/spec/002 §11.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ledgers import ACME, ALICE, CAROL, GLOBEX, NOBODYS, START_NS, Ledger, SqliteDatabase
from selene_os import Answer, Selene, Surroundings
from selene_os.app import Tenant
from selene_os.dictionary import Imported
from selene_os.errors import BadField, NotFound
from selene_os.ledger.codec import Scope
from selene_os.ledger.events import PLAIN_KEY_ID, TermBundle
from selene_os.names import CorrelationId, TenantId, event_id_of

TERMS_MAX = 4_096
JOHN = "send $20 to John"
# Of two who are called John one is asked about; without terms a John is a John.
KNOWN, UNKNOWN = ("CLARIFY", "recipient"), ("INTENT_DRAFT", None)


def term(canonical: str, **more: Any) -> dict[str, Any]:
    """One line of an import."""
    kinds = {"kind": "EMPLOYEE_NAME_PREFERRED", "source": "HR_ORG_AUTHORIZED"}
    return {"canonical": canonical, **kinds, **more}


JOHNS = [term("John Smith"), term("John Doe")]


def bundle(*contents: object, tenant: TenantId = ACME, digest: str | None = None) -> TermBundle:
    """A bundle as somebody may write it past the library; bytes stay as they are."""
    data = contents[0] if isinstance(contents[0], bytes) else json.dumps(contents).encode()
    return TermBundle(
        tenant, digest or hashlib.sha256(data).hexdigest(), data, PLAIN_KEY_ID, START_NS
    )


def entry(canonical: str, **more: Any) -> dict[str, Any]:
    """A term as a bundle keeps it."""
    named = {"entry_id": canonical, "tenant_id": "acme", "locale": "en", "evidence_ref": None}
    return named | term(canonical) | more


def bytes_literal(ledger: Ledger, data: bytes) -> str:
    """Bytes as SQL of this database."""
    plain = isinstance(ledger.database, SqliteDatabase)
    return f"x'{data.hex()}'" if plain else f"'\\x{data.hex()}'::bytea"


def plant(ledger: Ledger, row: TermBundle) -> None:
    """Write a bundle by raw SQL, and point its tenant at it."""
    data = bytes_literal(ledger, row.bundle)
    results = ledger.raw(
        "INSERT INTO term_bundles (tenant_id, digest, bundle, key_id, created_at) VALUES"
        f" ('{row.tenant_id}', '{row.digest}', {data}, '{row.key_id}', {row.created_at})",
        f"UPDATE tenants SET terms_digest = '{row.digest}' WHERE tenant_id = '{row.tenant_id}'",
    )
    assert [result.error for result in results] == [None, None]


def say(tenant: Tenant, text: str = JOHN, scope: Scope = ALICE) -> Answer:
    """One turn of a conversation of its own."""
    return tenant.take_turn(scope.user_id, scope.device_id, text)


def heard(answer: Answer) -> tuple[str, str | None]:
    """What was decided, and about which field it asks."""
    return answer.decision, answer.result.what_is_missing


def known(tenant: Tenant, answer: Answer) -> dict[str, Any]:
    """What PH1.KNOW came to, as the record of a turn tells it."""
    record = tenant.record(answer.event_id)
    assert record is not None
    (told,) = [one for one in record["hand_overs"] if one["engine"] == "PH1.KNOW"]
    # The bundle is named, and its terms are not copied into each record.
    assert record["request"]["terms"] == []
    assert record["request"].get("terms_digest") == told["digest"]
    return dict(told)


def together(*acts: Callable[[], object]) -> list[object]:
    """Do things in a thread each, begun together."""
    gate = threading.Barrier(len(acts))

    def begin(act: Callable[[], object]) -> object:
        gate.wait(timeout=30)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(begin, acts))


# ---- what every store does


def test_a_bundle_takes_the_place_of_the_one_that_it_was_made_from(ledger: Ledger) -> None:
    store = ledger.store
    one, two, three = (bundle(entry(name)) for name in ("One", "Two", "Three"))
    assert store.put_terms(one, None)
    for after in (None, two.digest, "0" * 64):
        assert not store.put_terms(two, after)
    assert store.put_terms(one, None)  # A retry, whose answer was never heard.
    assert store.put_terms(two, one.digest)
    assert not store.put_terms(three, one.digest)
    assert store.put_terms(one, two.digest)  # Back to what it was.
    ledger.reopen()
    tenant = ledger.store.tenant(ACME)
    assert tenant is not None
    assert tenant.terms_digest == one.digest
    assert [ledger.store.term_bundle(ACME, row.digest) for row in (one, two, three)] == [
        one, two, None,
    ]  # fmt: skip
    assert ledger.store.term_bundle(GLOBEX, one.digest) is None
    with pytest.raises(NotFound):
        ledger.store.put_terms(one._replace(tenant_id=TenantId("initech")), None)
    # Another setting that is changed leaves the terms as they are.
    ledger.store.set_tenant(ACME, {"currency": "EUR"})
    assert (ledger.store.tenant(ACME) or tenant).terms_digest == one.digest


def test_of_eight_who_put_a_bundle_after_the_same_one_exactly_one_does(ledger: Ledger) -> None:
    after = None
    for round_ in range(3):
        rows = [bundle(entry(f"{round_} of {place}")) for place in range(8)]
        put = [functools.partial(ledger.store.put_terms, row, after) for row in rows]
        taken = [row for row, done in zip(rows, together(*put), strict=True) if done]
        assert len(taken) == 1
        after = taken[0].digest
        tenant = ledger.store.tenant(ACME)
        assert tenant is not None
        assert tenant.terms_digest == after


def test_a_bundle_is_never_changed_and_no_tenant_names_one_that_is_not_there(
    ledger: Ledger,
) -> None:
    acme = ledger.selene().tenant("acme")
    acme.import_terms(JOHNS)
    acme.import_terms([term("Ann")])
    plain = isinstance(ledger.database, SqliteDatabase)
    columns, no = "tenant_id, digest, bundle, key_id, created_at", "f" * 64
    copy = f"SELECT tenant_id, digest, {bytes_literal(ledger, b'[]')}, key_id, 1 FROM term_bundles"
    attacks = [
        "UPDATE term_bundles SET bundle = " + bytes_literal(ledger, b"[]"),
        f"UPDATE term_bundles SET digest = '{no}'",
        "UPDATE term_bundles SET tenant_id = 'globex'",
        "DELETE FROM term_bundles",
    ]
    if plain:
        attacks += [
            f"INSERT OR REPLACE INTO term_bundles ({columns}) {copy}",
            f"REPLACE INTO term_bundles (rowid, {columns}) SELECT rowid, tenant_id, '{no}', x'00',"
            " key_id, 1 FROM term_bundles",
            f"INSERT INTO term_bundles ({columns}) {copy} WHERE 1 ON CONFLICT (tenant_id, digest)"
            " DO UPDATE SET bundle = x'00'",
            "UPDATE OR REPLACE term_bundles SET key_id = 'other'",
            f"UPDATE tenants SET terms_digest = '{no}'",
        ]
    else:
        attacks += [
            "TRUNCATE term_bundles CASCADE",
            f"INSERT INTO term_bundles ({columns}) {copy} ON CONFLICT (tenant_id, digest)"
            " DO UPDATE SET bundle = ''",
        ]
    look = (f"SELECT {columns} FROM term_bundles ORDER BY digest", "SELECT * FROM tenants")
    before = ledger.raw(*look)
    assert len(before[0].rows) == 2
    for attack in attacks:
        ledger.raw(attack)
        assert ledger.raw(*look) == before, attack


def test_a_new_tenant_names_no_bundle_that_is_not_there(tmp_path: Path) -> None:
    ledger = Ledger(SqliteDatabase(tmp_path))
    ledger.raw(
        "INSERT INTO tenants (tenant_id, time_policy, created_at, terms_digest)"
        f" VALUES ('initech', 'ask', 1, '{'f' * 64}')"
    )
    tenant = ledger.store.tenant(TenantId("initech"))
    ledger.store.close()
    assert tenant is None or tenant.terms_digest is None


# ---- what closes a bundle

CLOSING: dict[str, tuple[TermBundle, str]] = {
    "another tenant's term": (
        bundle(entry("John Smith"), entry("John Doe", tenant_id="globex")), "KNOW_FOREIGN_TERM"
    ),
    "another tenant's bundle": (
        bundle(entry("John Smith", tenant_id="ACME"), entry("John Doe", tenant_id="ACME")),
        "KNOW_FOREIGN_TERM",
    ),
    "an unverified term": (
        bundle(entry("John Smith"), entry("John Doe", source="UNVERIFIED")), "KNOW_UNVERIFIED_TERM"
    ),
    "a user's term without consent": (
        bundle(entry("John Smith"), entry("John Doe", source="USER_CONSENTED")),
        "KNOW_UNVERIFIED_TERM",
    ),
    "bytes that are no JSON": (bundle(b'[{"entry_id"'), "KNOW_VALIDATION_FAILED"),
    "bytes that are no text": (bundle(b"\xff\xfe"), "KNOW_VALIDATION_FAILED"),
    "a number": (bundle(b"5"), "KNOW_VALIDATION_FAILED"),
    "a term without its keys": (bundle({"canonical": "John Doe"}), "KNOW_VALIDATION_FAILED"),
    "a term with another key": (bundle(entry("John", boss=1)), "KNOW_VALIDATION_FAILED"),
    "a kind that is none": (bundle(entry("John", kind="PET")), "KNOW_VALIDATION_FAILED"),
    "a term over its bound": (bundle(entry("J" * 121)), "KNOW_VALIDATION_FAILED"),
    "a control character": (bundle(entry("John\nDoe")), "KNOW_VALIDATION_FAILED"),
    "a name that is not its content's": (
        bundle(entry("John Smith"), entry("John Doe"), digest="a" * 64), "KNOW_VALIDATION_FAILED"
    ),
    "a key that is not here": (
        bundle(entry("John Smith"), entry("John Doe"))._replace(key_id="k2"),
        "KNOW_VALIDATION_FAILED",
    ),
    "one term too many": (
        bundle(*(entry(f"John N{n}") for n in range(TERMS_MAX + 1))), "KNOW_INPUT_SCHEMA_INVALID"
    ),
}  # fmt: skip
# JSON, but no list of terms; and more of it than Python's parser can go into.
DAMAGED: dict[str, TermBundle] = {
    "an object": bundle(b"{}"), "empty text": bundle(b'""'), "a deep nest": bundle(b"[" * 99_999)
}  # fmt: skip


def test_one_bad_term_closes_the_bundle_and_the_turn_goes_on(ledger: Ledger) -> None:
    acme = ledger.selene().tenant("acme")
    acme.import_terms(JOHNS)
    assert heard(say(acme)) == KNOWN
    bare = ledger.selene().tenant("globex")
    for name, (row, reason) in CLOSING.items():
        plant(ledger, row)
        answer = say(acme)
        assert heard(answer) == UNKNOWN, name
        told = known(acme, answer)
        assert (told["reason_code"], told["became"], told["digest"]) == (
            reason, "refused", row.digest,
        ), name  # fmt: skip
        assert "Doe" not in json.dumps(acme.record(answer.event_id))
    without = say(bare, scope=CAROL)
    assert answer.result.fields == without.result.fields
    assert known(bare, without)["became"] == "passed through"


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_bundle_closes_and_the_turn_goes_on(ledger: Ledger, name: str) -> None:
    acme = ledger.selene().tenant("acme")
    plant(ledger, DAMAGED[name])
    answer = say(acme)
    assert heard(answer) == UNKNOWN
    told = known(acme, answer)
    assert (told["reason_code"], told["became"]) == ("KNOW_VALIDATION_FAILED", "refused")


def test_an_import_that_replaces_all_begins_anew_where_a_bundle_is_damaged(ledger: Ledger) -> None:
    # Else nobody would get out of there.
    acme = ledger.selene().tenant("acme")
    plant(ledger, bundle(b"[{"))
    for act in (acme.terms, lambda: acme.import_terms(JOHNS), lambda: acme.remove_terms(["x"])):
        with pytest.raises(BadField):
            act()
    assert acme.import_terms(JOHNS, replace_all=True).written
    assert heard(say(acme)) == KNOWN


# ---- whose terms


def test_a_tenants_terms_are_known_to_it_alone_and_at_the_next_turn(ledger: Ledger) -> None:
    ledger.store.register(GLOBEX, ALICE.user_id, NOBODYS, None, START_NS)
    twin = Scope(GLOBEX, ALICE.user_id, NOBODYS)
    talks = (CorrelationId(f"{number:032x}") for number in itertools.count(1))
    around = Surroundings(
        ledger.scribe.now,
        lambda: event_id_of(ledger.scribe.now(), 1),
        lambda: next(talks),
    )
    ours, elsewhere = (Selene(store, around) for store in (ledger.store, ledger.database.open()))
    acme, globex = ours.tenant("acme"), ours.tenant("globex")
    try:
        assert heard(say(acme)) == heard(say(elsewhere.tenant("acme"))) == UNKNOWN
        done = elsewhere.tenant("acme").import_terms(JOHNS)
        assert heard(say(acme)) == KNOWN
        assert known(acme, say(acme))["digest"] == done.digest
        for scope in (twin, CAROL):
            assert heard(say(globex, scope=scope)) == UNKNOWN
            assert known(globex, say(globex, scope=scope))["digest"] is None
        # The same lines in both: each has a bundle of its own.
        both = [
            globex.import_terms(JOHNS).digest,
            elsewhere.tenant("globex").import_terms([]).digest,
        ]
        assert both[0] == both[1] != done.digest
        assert heard(say(globex, scope=twin)) == KNOWN
        elsewhere.tenant("acme").remove_terms([entry.entry_id for entry in acme.terms()][:1])
        assert heard(say(acme)) == UNKNOWN
        assert heard(say(globex, scope=twin)) == KNOWN
    finally:
        elsewhere.close()


# ---- imports


def became(done: Imported) -> list[str]:
    """What became of each line."""
    return [line.became for line in done.lines]


def test_lines_that_are_refused_leave_all_as_it_was(ledger: Ledger) -> None:
    acme = ledger.selene().tenant("acme")
    acme.import_terms([term("Ann", entry_id="ann")])
    look = ("SELECT * FROM term_bundles", "SELECT * FROM tenants")
    before = ledger.raw(*look)
    bad: dict[str, Any] = {
        "foreign": term("Bob", tenant_id="globex"), "unverified": term("Bob", source="UNVERIFIED"),
        "no consent": term("Bob", source="USER_CONSENTED"), "no kind": {"canonical": "Bob"},
        "a key of no term": term("Bob", boss="Ann"), "a number": term("Bob", locale=5),
        "too long": term("é" * 61), "a control": term("Bob\x00"), "no object": "Bob",
        "half a pair": term("Bob\ud83d"), "no word": term(""), "a kind": term("Bob", kind="PET"),
        "the same id": term("Bob", entry_id="carl"), "a long id": term("Bob", entry_id="x" * 129),
    }  # fmt: skip
    for name, line in bad.items():
        done = acme.import_terms([term("Carl", entry_id="carl"), line])
        assert (became(done), done.written) == (["left out", "refused"], False), name
        assert done.lines[1].refusal is not None
        assert ledger.raw(*look) == before, name
    done = acme.import_terms([*bad.values(), term("Ann B.", entry_id="ann")], skip_refused=True)
    assert (became(done), done.written) == (
        ["refused"] * 12 + ["added", "refused", "changed"], True,
    )  # fmt: skip
    assert [one.canonical for one in acme.terms()] == ["Ann B.", "Bob"]


def test_an_import_adds_changes_replaces_and_takes_out(ledger: Ledger) -> None:
    acme = ledger.selene().tenant("acme")
    first = acme.import_terms([term("Ann", entry_id="a"), term("Bob", entry_id="b")])
    assert (became(first), first.terms, first.written) == (["added"] * 2, 2, True)
    # The digest names the content: neither the order nor the time of the lines.
    again = acme.import_terms([term("Bob", entry_id="b"), term("Ann", entry_id="a")])
    assert (became(again), again.digest) == (["same"] * 2, first.digest)
    row = ledger.store.term_bundle(ACME, first.digest or "")
    assert row is not None
    assert ledger.store.terms_name(ACME, row.bundle) == first.digest
    more = acme.import_terms([term("Anna", entry_id="a"), term("Carl", entry_id="c")])
    assert (became(more), more.terms) == (["changed", "added"], 3)
    only = acme.import_terms(
        [term("Ann", entry_id="a"), term("Bob", entry_id="b")], replace_all=True
    )
    assert (only.digest, only.terms) == (first.digest, 2)
    before = ledger.raw("SELECT * FROM tenants")
    with pytest.raises(NotFound):
        acme.remove_terms(["a", "nobody"])
    assert ledger.raw("SELECT * FROM tenants") == before
    assert acme.remove_terms(["a"]).terms == 1
    assert [one.canonical for one in acme.terms()] == ["Bob"]
    assert acme.remove_terms(["b"]).terms == 0
    assert acme.terms() == ()


def test_a_tenant_has_4096_terms_and_not_one_more(ledger: Ledger) -> None:
    acme = ledger.selene().tenant("acme")
    full = acme.import_terms([term(f"John N{number}") for number in range(TERMS_MAX)])
    assert (full.written, full.terms) == (True, TERMS_MAX)
    over = acme.import_terms([term("John N0"), term("John More")])
    assert (became(over), over.written, over.digest) == (
        ["left out", "refused"],
        False,
        full.digest,
    )
    kept = acme.import_terms([term("John More"), term("John N0", locale="zh")], skip_refused=True)
    assert (became(kept), kept.terms) == (["refused", "refused"], TERMS_MAX)
    answer = say(acme)
    assert known(acme, answer)["digest"] == full.digest
    assert len(json.dumps(acme.record(answer.event_id))) < 100_000


def test_of_eight_who_import_at_once_nobody_loses_a_term(ledger: Ledger) -> None:
    acme = ledger.selene().tenant("acme")
    names = [f"Name{number}" for number in range(8)]
    done = together(*(functools.partial(acme.import_terms, [term(name)]) for name in names))
    assert all(isinstance(one, Imported) and one.written for one in done)
    assert sorted(one.canonical for one in acme.terms()) == names
