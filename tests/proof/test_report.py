"""The report: whole by itself, escaped, and plain about what is not proven."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from ledgers import ACME, TALK
from sealed import LOG, MemoryLog, case, written
from selene_os import proving
from selene_os.ledger.events import Disclosed, WholeRow
from selene_os.proof import report
from selene_os.proof.evidence import Case, Proven
from selene_os.reasons import MEANINGS, ReasonCode

EVIL = "</style><script>alert(1)</script>\"'&\x1b[2J\u202eevil\u2066\ud800"
NOT_CLOSED = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """The page as a strict reader sees it: its tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in NOT_CLOSED:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def with_row(**columns: Any) -> Case:
    """The case with some columns of its first row changed."""
    found = case()
    first, *rest = found.rows
    row: WholeRow = first.row._replace(**columns)
    return replace(found, rows=(Proven(row, first.leaf_index, first.proof), *rest))


def test_the_page_is_whole_by_itself_and_runs_nothing() -> None:
    text = report.html(case())
    page = Page(text)
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "object", "a", "form"})
    assert page.attributes <= {
        "lang", "charset", "http-equiv", "content", "name", "class", "scope"
    }  # fmt: skip
    assert not re.search(r"url\(|@import|https?:|//", text)
    assert "default-src 'none'" in text


def test_the_page_tells_each_turn_with_its_reason_in_words() -> None:
    page = Page(report.html(case())).text
    for proven in case().rows:
        code = ReasonCode(proven.row.reason_code)
        assert MEANINGS[code] in page and code.name in page
        assert f"Leaf {proven.leaf_index} of the log" in page
        assert proven.row.event_id in page
    for words in ("acme", TALK, "user alice", "SET_REMINDER", "time, task", f"{LOG}/acme"):
        assert words in page
    assert "5 of 5 rows sealed." in page
    assert "2023-11-14 22:13:20.039 UTC" in page
    assert "Grown from13 rows" in page


def test_every_decision_has_a_title_of_its_own() -> None:
    page = Page(report.html(case())).text
    for title in ("A request was understood", "A question was asked back", "The user said yes",
                  "Nothing was asked for", "A tone and delivery were chosen"):  # fmt: skip
        assert title in page


def test_what_was_said_is_shown_only_where_it_is_disclosed() -> None:
    silent = case(inputs=False)
    event_id = silent.rows[0].row.event_id
    words = json.dumps({"request": {"text": "remind me <b>to</b> call"}}).encode()
    told = replace(silent, inputs={event_id: Disclosed(words, None, words)})
    assert "<blockquote>" not in report.html(silent)
    assert "<blockquote>remind me &lt;b&gt;to&lt;/b&gt; call</blockquote>" in report.html(told)


@pytest.mark.parametrize(
    "plaintext", [b"", b"[]", b"{}", b'{"request":5}', b'{"request":{"text":5}}', b"[" * 99_999]
)
def test_a_record_of_another_form_is_passed_over(plaintext: bytes) -> None:
    found = case(inputs=False)
    event_id = found.rows[0].row.event_id
    told = replace(found, inputs={event_id: Disclosed(plaintext, None, plaintext)})
    assert report.html(told) == report.html(found)


TEXTS = [name for name in WholeRow._fields if name not in (
    "reason_code", "turn_id", "created_at", "record_digest", "payload_min"
)]  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_of_a_row_gets_out_of_its_place(name: str) -> None:
    text = report.html(with_row(**{name: EVIL}))
    page = Page(text)
    assert "script" not in page.tags
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e\u2066\ud800]", text)
    assert text.encode()
    assert report.readme(with_row(**{name: EVIL})).count("\n") == 5


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps({EVIL: EVIL, "decision": EVIL, "intent_type": [EVIL], "x": {EVIL: 1}}),
        "",
        "no JSON",
        "[]",
        "{}",
        '{"decision":null,"x":[1,"a"],"y":1e999}',
        '{"x":' + "[" * 900 + "]" * 900 + "}",
        '{"x":' + "[" * 99_999,
        '{"x":' + "9" * 5_000 + "}",
    ],
)
def test_any_payload_is_shown(payload: str) -> None:
    page = Page(report.html(with_row(payload_min=payload)))
    assert "script" not in page.tags


@pytest.mark.parametrize("number", [-(2**63), -1, 0, 2**63 - 1])
def test_any_moment_and_reason_is_shown(number: int) -> None:
    assert report.html(with_row(created_at=number, reason_code=number, turn_id=number))


def test_a_reason_of_a_later_version_is_shown_by_its_number() -> None:
    assert "0x7FFFFFFF" in report.html(with_row(reason_code=0x7FFFFFFF))


def test_rows_that_are_not_proven_are_marked_in_plain_words() -> None:
    rows, records = written()
    log = MemoryLog(rows, records, sealed=13)
    found = proving.case_of(log, ACME, TALK, unsealed=True)
    page = Page(report.html(found)).text
    assert "2 of 5 rows sealed." in page
    assert page.count("Not proven: not sealed yet") == 3
    assert "Anything about the rows that are not sealed:" in page
    assert "Anything about the rows" not in Page(report.html(case())).text


def test_turns_without_a_row_are_named() -> None:
    assert "Turns without a row" not in report.html(case())
    found = case()
    assert "Turns without a row here: 2 to 3." in report.html(
        replace(found, rows=(found.rows[0], *found.rows[3:]))
    )
    assert "Turns without a row here: 1." in report.html(replace(found, rows=found.rows[1:]))
