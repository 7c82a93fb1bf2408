"""`selene terms`: what an import takes, what it refuses line by line, and all of it or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from command import Command, Ran, Record, change, dump, environment, rows, run

ACME = ("--tenant", "acme")
KEYS = ["entry_id", "tenant_id", "kind", "source", "canonical", "locale", "evidence_ref"]
HEAD = b"entry_id,kind,source,canonical\n"
ANN = b"ann,EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,Ann Lee\n"
KAY = b"kay,EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,Ann Kay\n"


@pytest.fixture
def selene(selene: Command) -> Command:
    """With a ledger of two tenants."""
    selene.prepare().done("tenant", "add", "globex")
    return selene


def term(**changes: Any) -> Record:
    given = {"kind": "PROJECT_CODE", "source": "HR_ORG_AUTHORIZED", "canonical": "Apollo"}
    return {key: value for key, value in (given | changes).items() if value is not ...}


def file(selene: Command, content: bytes, name: str = "t.csv") -> str:
    (selene.folder / name).write_bytes(content)
    return name


def jsonl(selene: Command, *terms: Any) -> str:
    return file(selene, b"".join(json.dumps(one).encode() + b"\n" for one in terms), "t.jsonl")


def imported(selene: Command, name: str, *options: str) -> Record:
    """Import what is wholly taken."""
    return selene.done("terms", "import", *ACME, *options, name, "--json").record


def turned_down(selene: Command, name: str, *options: str) -> list[Record]:
    """Import what has a refused line; nothing is written. Returns the refused lines."""
    before = dump(selene.path)
    ran = selene("terms", "import", *ACME, *options, name, "--json")
    assert (ran.code, ran.err, ran.record["written"]) == (2, "", False)
    shown = selene("terms", "import", *ACME, *options, name)
    assert (shown.code, shown.err) == (2, "")
    assert "Nothing was written, because" in shown.out
    assert shown.out.replace("\n", "").isprintable()
    assert dump(selene.path) == before
    found: list[Record] = ran.record["lines"]
    return [line for line in found if line["became"] == "refused"]


def reasons(lines: list[Record]) -> list[list[object]]:
    return [[line["line"], line["error"]["reason_code"]] for line in lines]


def listed(selene: Command, tenant: str = "acme") -> list[str]:
    found = selene.done("terms", "list", "--tenant", tenant, "--json").record["terms"]
    return [one["canonical"] for one in found]


# ---- what is taken


def test_each_line_is_told_with_its_number_in_the_file(selene: Command) -> None:
    content = b"\xef\xbb\xbf\r\n" + HEAD.replace(b"\n", b"\r\n") + b"\n" + ANN + b"  \r\n" + KAY
    name = file(selene, content.rstrip(b"\n"))
    first = imported(selene, name)
    assert [[line["line"], line["entry_id"], line["became"]] for line in first["lines"]] == [
        [4, "ann", "added"], [6, "kay", "added"],
    ]  # fmt: skip
    assert (first["written"], first["terms"], len(first["digest"])) == (True, 2, 64)
    changed = imported(selene, file(selene, HEAD + ANN + KAY.replace(b"Ann", b"Anna"), "u.csv"))
    assert [line["became"] for line in changed["lines"]] == ["same", "changed"]
    assert changed["digest"] != first["digest"]
    assert listed(selene) == ["Ann Lee", "Anna Kay"]
    shown = selene.done("terms", "import", *ACME, name).out
    assert shown == (
        f"line 4      same     ann\nline 6      changed  kay\n2 terms; digest {first['digest']}\n"
    )


def test_a_dictionary_is_named_by_its_content(selene: Command) -> None:
    first = imported(selene, file(selene, HEAD + ANN + KAY))["digest"]
    more = imported(selene, jsonl(selene, term(entry_id="z")))
    assert (more["terms"], more["digest"] == first) == (3, False)
    assert selene.done("terms", "remove", *ACME, "z", "--json").record["digest"] == first
    found = rows(selene.path, "SELECT count(*) FROM term_bundles WHERE tenant_id = 'acme'")
    assert found == [[2]]


def test_what_is_listed_can_be_imported_again(selene: Command) -> None:
    imported(selene, jsonl(
        selene, term(canonical='"quoted", 项目\u2019s', locale="zh-CN"), term(),
        term(source="USER_CONSENTED", kind="EMPLOYEE_NAME_PREFERRED", evidence_ref="memory:1"),
    ))  # fmt: skip
    out = selene.done("terms", "list", *ACME, "--jsonl").out
    assert [list(json.loads(line)) for line in out.splitlines()] == [KEYS] * 3
    again = imported(selene, file(selene, out.encode(), "again.ndjson"), "--replace")
    assert [line["became"] for line in again["lines"]] == ["same"] * 3
    record = selene.done("terms", "list", *ACME, "--json").record
    assert record["digest"] == again["digest"]
    assert record["terms"] == [json.loads(line) for line in out.splitlines()]


def test_a_file_may_come_from_stdin(selene: Command) -> None:
    line = ("terms", "import", *ACME, "--json", "-")
    ran = run(*line, folder=selene.folder, stdin=json.dumps(term()).encode())
    assert (ran.code, ran.record["terms"]) == (0, 1)
    ran = run(*line, "--format", "csv", folder=selene.folder, stdin=HEAD + ANN + KAY)
    assert (ran.code, ran.record["terms"]) == (0, 3)
    ran = run(*line, folder=selene.folder, stdin=b"\xff\n{}")
    assert (ran.code, [one["line"] for one in ran.record["lines"]]) == (2, [1, 2])


def test_a_term_is_what_a_question_offers(selene: Command) -> None:
    imported(selene, file(selene, HEAD + ANN + KAY))
    asked = selene.say("send $20 to Ann")
    assert (asked["decision"], asked["what_is_missing"]) == ("CLARIFY", ["recipient"])
    assert asked["accepted_answer_formats"] == ["Ann Kay", "Ann Lee"]
    assert selene.done("tenant", "show", "acme").out.count(" terms=") == 1


def test_replace_takes_out_what_is_not_there_and_skip_takes_what_is_good(selene: Command) -> None:
    imported(selene, file(selene, HEAD + ANN))
    name = jsonl(selene, term(), {"kind": "NONSENSE"}, term(canonical="Gemini"))
    turned_down(selene, name)
    assert listed(selene) == ["Ann Lee"]
    taken = imported(selene, name, "--skip-refused", "--replace")
    assert [line["became"] for line in taken["lines"]] == ["added", "refused", "added"]
    assert (taken["written"], taken["terms"]) == (True, 2)
    assert sorted(listed(selene)) == ["Apollo", "Gemini"]
    shown = selene.done("terms", "import", *ACME, "--skip-refused", name).out
    assert "Left out, because refused: 1 of 3 lines." in shown


def test_removing_is_all_or_none(selene: Command) -> None:
    imported(selene, file(selene, HEAD + ANN + KAY))
    error = selene.refused("terms", "remove", *ACME, "ann", "nosuch")
    assert (error["code"], error["field"]) == ("NotFound", "entry_id")
    assert listed(selene) == ["Ann Lee", "Ann Kay"]
    assert selene.done("terms", "remove", *ACME, "ann", "kay", "ann").out.startswith("removed  ann")
    assert listed(selene) == []
    assert "0 terms" in selene.done("terms", "list", *ACME).out


# ---- two tenants


def test_a_term_of_another_tenant_closes_the_import(selene: Command) -> None:
    name = jsonl(selene, term(), term(canonical="Spy", tenant_id="globex"))
    assert reasons(turned_down(selene, name)) == [[2, "KNOW_FOREIGN_TERM"]]
    assert (listed(selene), listed(selene, "globex")) == ([], [])
    imported(selene, jsonl(selene, term(tenant_id="acme")))
    out = selene.done("terms", "list", *ACME, "--jsonl").out
    ran = selene("terms", "import", "--tenant", "globex", file(selene, out.encode(), "x.jsonl"))
    assert (ran.code, "KNOW_FOREIGN_TERM" in ran.out) == (2, True)
    assert listed(selene, "globex") == []
    assert selene.refused("terms", "list", "--tenant", "nobody")["field"] == "tenant_id"
    assert (
        selene.refused("terms", "import", "--tenant", "nobody", "x.jsonl")["field"] == "tenant_id"
    )


def test_the_terms_of_one_tenant_are_no_hint_to_another(selene: Command) -> None:
    imported(selene, file(selene, HEAD + ANN + KAY))
    mallory = ("--tenant", "globex", "--user", "mallory", "--device", "lobby")
    selene.done("register", *mallory)
    asked = selene.done("say", *mallory, "send $20 to Ann", "--json").record
    assert "Ann Lee" not in json.dumps(asked)


# ---- what is refused, line by line

BAD_TERMS: list[tuple[Any, str]] = [
    (term(source="UNVERIFIED"), "KNOW_UNVERIFIED_TERM"),
    (term(source="USER_CONSENTED"), "KNOW_UNVERIFIED_TERM"),
    (term(source="USER_CONSENTED", evidence_ref=""), "KNOW_UNVERIFIED_TERM"),
    (term(tenant_id="globex"), "KNOW_FOREIGN_TERM"),
    (term(tenant_id=["acme"]), "KNOW_FOREIGN_TERM"),
    (term(source="unverified"), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(source=...), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(canonical=""), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(canonical="x" * 121), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(canonical="a\x00b"), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(canonical="a\nb"), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(canonical="\ud800"), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(canonical=7), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(canonical={"a": 1}), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(canonical=None), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(entry_id="x" * 5_000), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(entry_id="\ud800\x1b[31m"), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(locale="\x1b[31m"), "KNOW_INPUT_SCHEMA_INVALID"),
    (term(**{"\ud800\x1b": "x"}), "KNOW_INPUT_SCHEMA_INVALID"),
    ([], "KNOW_INPUT_SCHEMA_INVALID"), ("x", "KNOW_INPUT_SCHEMA_INVALID"),
    (None, "KNOW_INPUT_SCHEMA_INVALID"), ({}, "KNOW_INPUT_SCHEMA_INVALID"),
]  # fmt: skip
BAD_LINES = [
    b"{", b"{}{}", b"nonsense", b'{"kind": NaN}', b"[" * 100_000, b"9" * 10_000, b"\x00",
    b'{"kind": "PROJECT_CODE", "kind": "PROJECT_CODE"}', b"\xff\xfe", b'{"a": "\xc3"}',
    b"\xe2\x80\xa8", b'"' * 99,
]  # fmt: skip


def test_every_bad_term_is_refused_with_its_reason_and_the_good_ones_wait(selene: Command) -> None:
    name = jsonl(selene, term(canonical="Good"), *(given for given, _ in BAD_TERMS))
    found = turned_down(selene, name)
    expected = [[number, reason] for number, (_, reason) in enumerate(BAD_TERMS, 2)]
    assert reasons(found) == expected
    assert all(line["error"]["next_step"] and line["error"]["field"] for line in found)
    taken = imported(selene, name, "--skip-refused")
    assert (taken["terms"], listed(selene)) == (1, ["Good"])


def test_a_line_that_is_no_json_costs_itself_alone(selene: Command) -> None:
    good = json.dumps(term()).encode()
    name = file(selene, b"\n".join([*BAD_LINES, good]), "t.jsonl")
    found = turned_down(selene, name)
    assert [line["line"] for line in found] == list(range(1, len(BAD_LINES) + 1))
    assert all(line["entry_id"] is None for line in found)
    assert all(len(line["error"]["message"]) < 300 for line in found)
    assert imported(selene, name, "--skip-refused")["terms"] == 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'ann,EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,"Ann', "no line of CSV"),
        (b'ann,EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,"Ann" Lee', "no line of CSV"),
        (b"ann,EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,Lee, Ann", "5 cells"),
        (b"ann,EMPLOYEE_NAME_PREFERRED", "2 cells"),
        (b"ann,EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,Ann\x00Lee", "control character"),
        (b"ann,EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,Ann\rLee", "no line of CSV"),
        (b"ann,EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED,\xe4nne", "no UTF-8 at byte 47"),
        (b"ann,EMPLOYEE_NAME_PREFERRED,HR_ORG_AUTHORIZED," + b"x" * 200_000, "no line of CSV"),
        (b",,,", "kind is missing"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_csv_costs_itself_alone(selene: Command, line: bytes, why: str) -> None:
    name = file(selene, HEAD + line + b"\n" + KAY)
    (found,) = turned_down(selene, name)
    assert (found["line"], why in found["error"]["message"]) == (2, True), found
    assert imported(selene, name, "--skip-refused")["lines"][1]["entry_id"] == "kay"


def test_a_quoted_cell_may_hold_commas_and_quotes(selene: Command) -> None:
    imported(selene, file(selene, HEAD + b'"a",PROJECT_CODE,HR_ORG_AUTHORIZED,"O""Neil, Ltd."\n'))
    assert listed(selene) == ['O"Neil, Ltd.']


def test_a_term_stands_in_a_file_once(selene: Command) -> None:
    found = turned_down(selene, file(selene, HEAD + ANN + KAY + ANN))
    assert [[line["line"], line["entry_id"]] for line in found] == [[4, "ann"]]
    found = turned_down(selene, jsonl(selene, term(), term()))
    assert [line["line"] for line in found] == [2]


def test_more_terms_than_a_tenant_may_have_are_refused_one_by_one(selene: Command) -> None:
    name = jsonl(selene, *(term(canonical=f"Project {number}") for number in range(5_000)))
    found = turned_down(selene, name)
    assert reasons(found) == [[number, "KNOW_BUDGET_EXCEEDED"] for number in range(4_097, 5_001)]
    assert imported(selene, name, "--skip-refused")["terms"] == 4_096
    assert selene.say("open Project 77")["deduplicated"] is False


# ---- files that are none


@pytest.mark.parametrize(
    ("name", "content", "field"),
    [
        ("empty.csv", b"", "file"), ("empty.jsonl", b"", "file"), ("head.csv", HEAD, "file"),
        ("blank.jsonl", b"\n \n\t\r\n", "file"), ("bom.csv", b"\xef\xbb\xbf", "file"),
        ("nohead.csv", ANN, "header"), ("semicolons.csv", HEAD.replace(b",", b";"), "header"),
        ("twice.csv", b"kind,source,canonical,kind\n", "header"), ("few.csv", b"kind\n", "header"),
        ("wide.csv", "kind,source,canonical\n".encode("utf-16"), "line"),
        ("quote.csv", b'kind,"source,canonical\n', "line"),
        ("long.jsonl", b"{}\n" * 65_537, "file"), ("big.csv", b"x" * (16 * 2**20 + 1), "file"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_terms_is_refused_as_a_whole(
    selene: Command, name: str, content: bytes, field: str
) -> None:
    imported(selene, file(selene, HEAD + ANN))
    for options in ((), ("--replace", "--skip-refused")):
        line = ("terms", "import", *ACME, *options, file(selene, content, name))
        error = selene.refused(*line)
        assert (error["field"], bool(error["next_step"])) == (field, True)
        assert len(error["message"]) < 400
    assert listed(selene) == ["Ann Lee"]


@pytest.mark.parametrize(
    "name", ["nosuch.csv", ".", "a\x00b.csv", "x" * 300 + ".csv", "\ud800.csv"]
)
def test_a_file_that_cannot_be_read_is_refused_by_name(selene: Command, name: str) -> None:
    error = selene.refused("terms", "import", *ACME, "--format", "csv", name)
    assert (error["field"], bool(error["next_step"])) == ("file", True)


def test_a_file_without_end_is_read_to_the_bound(selene: Command) -> None:
    line = ("terms", "import", *ACME, "--format", "jsonl", "/dev/zero")
    assert "16777216" in selene.refused(*line)["message"]


@pytest.mark.parametrize(
    "options", [("t.txt",), ("t",), (), ("--format", "xml", "t.csv"), ("t.csv", "u.csv")]
)
def test_a_line_without_file_or_format_is_usage(selene: Command, options: tuple[str, ...]) -> None:
    ran = selene("terms", "import", *ACME, *options)
    assert (ran.code, ran.out, bool(ran.err)) == (2, "", True)


def test_what_was_imported_commands_no_terminal(selene: Command) -> None:
    imported(selene, jsonl(selene, term(canonical="\u202eevil\u2066"), term(entry_id="a b")))
    shown: Ran = selene.done("terms", "list", *ACME)
    assert shown.out.replace("\n", "").isprintable()


def test_a_dictionary_that_was_tampered_with_is_no_hint(selene: Command) -> None:
    imported(selene, file(selene, HEAD + ANN + KAY))
    change(
        selene.path,
        "INSERT INTO term_bundles SELECT tenant_id, printf('%064d', 0), bundle, key_id, created_at"
        " FROM term_bundles; UPDATE tenants SET terms_digest = printf('%064d', 0)"
        " WHERE tenant_id = 'acme';",
    )
    asked = selene.say("send $20 to Ann")
    assert "Ann Lee" not in json.dumps(asked)
    assert selene.refused("terms", "list", *ACME)["field"] == "terms"
    assert selene.refused("terms", "import", *ACME, "t.csv")["field"] == "terms"


def test_an_output_in_ascii_is_no_traceback(selene: Command) -> None:
    imported(selene, jsonl(selene, term(canonical="项目")))
    line = ("terms", "list", *ACME)
    ran = run(*line, folder=selene.folder, env=environment(PYTHONIOENCODING="utf-8", LC_ALL="C"))
    assert (ran.code, "项目" in ran.out) == (0, True)
