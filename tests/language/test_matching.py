"""Matching: which words stand for which value, what stays unexplained, and what it may cost."""

from __future__ import annotations

from itertools import permutations

import pytest

from patterns import heard, match, matcher, named_parts, unexplained
from selene_os.language.grammar import compile_pattern, piece
from selene_os.language.matching import Match
from selene_os.language.tokens import tokenize
from steps import lines_run

# ---- a value that looks like something

LOOKS = "cancel {ref: [the|my] [~] (reminder|one)|rem_*|that}"


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("cancel the reminder", "the reminder"),
        ("cancel my dentist reminder", "my dentist reminder"),
        ("cancel one", "one"),
        ("Cancel REM_42.", "REM_42"),
        ("cancel the one, please one", "the one, please one"),
        ("cancel 'that'", "that"),
        ("cancel the dentist", None),
        ("cancel", None),
        ("cancel rem_", None),
        ("cancel rem", None),
        ("cancel reminders", None),
        ("cancel the reminder now", None),
    ],
)
def test_a_value_looks_as_its_slot_says(said: str, wanted: str | None) -> None:
    assert heard(LOOKS, said) == (None if wanted is None else {"ref": wanted})


def test_a_value_that_could_be_nothing_at_all_is_not_heard() -> None:
    assert heard("cancel {ref: [the] [one]}", "cancel") is None
    assert heard("cancel {ref: [the] [one]}", "cancel one") == {"ref": "one"}


def test_a_prefix_needs_more_of_the_word_and_is_part_of_the_trigger() -> None:
    assert match("cancel rem_*", "cancel rem_42") == Match({}, literals=(0, 1), reached=2)
    for said in ("cancel rem_", "cancel rem", "cancel 42", "cancel xrem_42", "cancel"):
        assert match("cancel rem_*", said) is None, said
    assert match("can*", "CANCEL") is not None


def test_a_part_may_stand_in_a_value_and_in_another_part() -> None:
    parts = named_parts(mine="my|our", thing="<mine> [next] (tea|lunch)")
    pattern = "cancel {ref: <thing>|all of <thing>} [now]"
    assert heard(pattern, "cancel our next lunch now", parts=parts) == {"ref": "our next lunch"}
    assert heard(pattern, "cancel all of my tea", parts=parts) == {"ref": "all of my tea"}
    assert heard(pattern, "cancel next tea", parts=parts) is None


def test_a_name_within_a_value_may_hold_figures_that_a_name_alone_may_not() -> None:
    room = {"money": "4", "counts": "4"}
    assert heard("ask {recipient: [the] @}", "ask Room 4", **room) == {"recipient": "Room 4"}
    assert heard("ask {recipient}", "ask Room 4", **room) is None
    # An amount with its currency is no count, and so no part of a name.
    assert heard("ask {recipient: @}", "ask Ann $4", money="$4") is None
    assert heard("ask {recipient: @} for it", "ask Ann to for it") is None


@pytest.mark.parametrize(
    ("kind", "field"), [("counts", "party"), ("durations", "length"), ("money", "amount")]
)
def test_a_value_of_a_kind_is_one_that_was_recognised_and_whole(kind: str, field: str) -> None:
    pattern = f"book {{{field}}} [now]"
    assert heard(pattern, "book two hours now", **{kind: "two hours"}) == {field: "two hours"}
    assert heard(pattern, "book two hours now") is None
    assert heard(pattern, "book two hours now", **{kind: "two"}) is None
    assert heard(pattern, "book two hours", **{kind: "hours"}) is None


def test_a_value_that_goes_on_behind_the_clause_is_none_of_it() -> None:
    on = matcher("book two hours", durations="two hours")
    assert on.match(compile_pattern("book {length}"), 0, 3) is not None
    assert on.match(compile_pattern("book {length}"), 0, 2) is None


def test_one_field_is_filled_once() -> None:
    assert heard("pay {recipient} [and {recipient}]", "pay Ann and Bob") == {
        "recipient": "Ann and Bob"
    }
    assert heard("pay {recipient: my @} and {recipient: my @}", "pay my a and my b") is None


# ---- times inside a value, between elements, and behind everything


@pytest.mark.parametrize(
    ("said", "wanted", "free"),
    [
        ("cancel the noon reminder", "the noon reminder", []),
        ("cancel the reminder noon", "the reminder", ["noon"]),
        ("cancel the reminder, noon.", "the reminder", ["noon"]),
        ("cancel noon the reminder", "the reminder", ["noon"]),
        ("noon cancel the reminder", "the reminder", ["noon"]),
    ],
)
def test_a_time_inside_a_value_is_part_of_it_and_one_behind_it_is_not(
    said: str, wanted: str, free: list[str]
) -> None:
    found, words = match(LOOKS, said, times="noon"), tokenize(said)
    assert found is not None
    assert words.said(*found.slots["ref"]) == wanted
    assert [words.words[at] for at in found.times] == free


def test_a_time_behind_a_value_is_free_whichever_words_the_value_may_hold() -> None:
    for pattern in ("cancel {ref: the ~}", "cancel {ref: the @}", "cancel {ref: the [~ one] tea}"):
        found = match(pattern, "cancel the tea tonight", times="tonight")
        assert found is not None, pattern
        assert (found.slots, found.times) == ({"ref": (1, 3)}, (3,)), pattern


def test_without_times_a_time_is_words_like_others() -> None:
    said = "tell me about tomorrow"
    assert match("tell me about", said, times="tomorrow") is not None
    assert match("tell me about", said, times="tomorrow", timed=False) is None
    found = match("tell me about {task}", said, times="tomorrow", timed=False)
    assert found is not None
    assert (found.slots, found.times) == ({"task": (3, 4)}, ())
    assert match("tell ... about {task}", said, times="me", timed=False) is not None
    passed = match("tell ...", said, times="tomorrow", timed=False)
    assert unexplained(passed, said) == ["me", "about", "tomorrow"]


def test_more_times_than_anyone_says_are_no_request() -> None:
    def found(count: int) -> Match | None:
        days = [f"day{at}" for at in range(count)]
        return match("remind me", " ".join(["remind me", *days]), times="|".join(days))

    assert found(4) is not None
    assert found(5) is None


# ---- {*}

PIECES = ("for {party}", "at {recipient}", "[with] a view")
ORDERS = list(permutations(["for two", "at Sakura", "a view"]))


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_pieces_may_stand_in_any_order(order: tuple[str, ...]) -> None:
    said = " ".join(["book", *order, "now"])
    found = match("book {*} now", said, pieces=PIECES, counts="two")
    assert found is not None
    heard_here = {key: tokenize(said).said(*span) for key, span in found.slots.items()}
    assert heard_here["party"] == "two"
    assert heard_here["recipient"].startswith("Sakura")
    assert found.unexplained == ()
    assert match("book {*} now", said, pieces=PIECES) is None, "two was not recognised"


@pytest.mark.parametrize("said", ["book", "book for two", "book a view at Ann", "book with a view"])
def test_each_piece_may_be_left_out(said: str) -> None:
    assert match("book {*}", said, pieces=PIECES, counts="two" if "two" in said else "") is not None


@pytest.mark.parametrize(
    "said",
    [
        "book for two for two",
        "book a view a view",
        "book a view with a view",
        "book for two please",
        "book please for two",
        "for two book",
    ],
)
def test_pieces_stand_once_each_and_leave_nothing_unexplained(said: str) -> None:
    counts = "two" if "two" in said else ""
    assert match("book {*}", said, pieces=PIECES, counts=counts) is None


def test_pieces_fill_no_field_that_the_pattern_filled() -> None:
    said = "book Ann at Bob"
    assert heard("book {recipient}", said, pieces=PIECES) is None
    assert heard("book {recipient: ann} {*}", said, pieces=PIECES) is None
    assert heard("book ann {*}", said, pieces=PIECES) == {"recipient": "Bob"}


def test_times_may_stand_between_pieces() -> None:
    said = "book today for two tonight at Ann"
    found = match("book {*}", said, times="today|tonight", counts="two", pieces=PIECES)
    assert found is not None
    assert (set(found.slots), found.times) == ({"party", "recipient"}, (1, 4))


# ---- ...


def test_unexplained_words_are_kept_apart_from_the_trigger() -> None:
    found = match("book ...", "book us something nice")
    assert found is not None
    assert (found.literals, found.unexplained) == ((0,), (1, 2, 3))
    assert unexplained(match("... book", "could we book"), "could we book") == ["could", "we"]
    assert unexplained(match("a ... b", "a x, y b"), "a x, y b") is not None
    assert unexplained(match("book ...", "book, now!"), "book, now!") == ["now"]


@pytest.mark.parametrize("pattern", ["book ...", "book ... now", "... now"])
def test_a_word_that_may_never_stay_unexplained_ends_the_match(pattern: str) -> None:
    assert match(pattern, "book it now", never="not if") is not None
    for said in ("book it not now", "book if it now", "book not now"):
        assert match(pattern, said, never="not if") is None, said
    # Where a pattern explains it, it is not left unexplained.
    assert match("book not ... now", "book not it now", never="not if") is not None


@pytest.mark.parametrize("pattern", ["book ...", "book ... now", "... now"])
def test_what_is_quoted_may_never_stay_unexplained(pattern: str) -> None:
    assert match(pattern, "book it late now", quoted="it late") is None
    assert match(pattern, "book it late now") is not None


def test_pieces_and_times_are_picked_out_of_unexplained_words() -> None:
    said = "book something for two today, nice, at Sakura"
    found = match("book ...", said, times="today", counts="two", pieces=PIECES)
    assert found is not None
    assert found.slots == {"party": (3, 4), "recipient": (9, 10)}
    assert [tokenize(said).words[at] for at in found.times] == ["today"]
    assert unexplained(found, said) == ["something", "nice"]
    assert found.literals == (0, 2, 8)


def test_a_piece_may_hold_a_word_that_never_stays_unexplained() -> None:
    said = "book it but not for two"
    found = match("book ...", said, counts="two", never="not", pieces=("[but] not for {party}",))
    assert unexplained(found, said) == ["it"]


def test_the_piece_that_explains_most_is_picked() -> None:
    pieces = ("with", "with a view", "with a")
    for order in permutations(pieces):
        assert unexplained(match("book ...", "book it with a view", pieces=order), "book it") == [
            "it"
        ]


def test_unexplained_words_before_what_follows_are_as_few_as_can_be() -> None:
    found = match("a ... b {task}", "a x b y b z")
    assert found is not None
    assert (found.unexplained, found.slots) == ((1,), {"task": (3, 6)})


# ---- Chinese, marks, skipped words


@pytest.mark.parametrize(
    ("pattern", "said", "wanted"),
    [
        ("提醒我{task}", "提醒我吃饭", {"task": "吃饭"}),
        ("提醒我 {task}", "提醒 我 吃饭", {"task": "吃饭"}),
        ("(提醒|叫)我{task}", "叫我起床", {"task": "起床"}),
        ("转[账]给{recipient}", "转给王芳", {"recipient": "王芳"}),
        ("取消{ref: [~]提醒}", "取消牙医提醒", {"ref": "牙医提醒"}),
        ("买T恤", "买t恤", {}),
        ("提醒我", "提我醒", None),
        ("提醒我", "提醒", None),
        ("提醒我", "提醒我们", None),
        ("book 明天 {ref: the ~}", "book 明天 the tea", {"ref": "the tea"}),
    ],
)
def test_chinese_words_are_read_character_by_character(
    pattern: str, said: str, wanted: dict[str, str] | None
) -> None:
    assert heard(pattern, said) == wanted


@pytest.mark.parametrize(
    ("pattern", "said", "matches"),
    [
        ("reminder (:|to) {task}", "reminder: eat", True),
        ("reminder (:|to) {task}", "reminder to eat", True),
        ("reminder (:|to) {task}", "reminder, : eat", True),
        ("reminder (:|to) {task}", "reminder eat", False),
        ("reminder (:|to) {task}", "reminder, eat", False),
        ("reminder [: please] eat", "reminder: please eat", True),
        ("reminder [: please] eat", "reminder please eat", False),
        ("reminder [: please] eat", "reminder: eat", True),
        ("reminder (: a|, b)", "reminder, b", True),
        ("reminder (: a|, b)", "reminder: b", False),
        ("[reminder] : eat", ": eat", True),
        ("(reminder :|note) eat", "note: eat", True),
        ("(reminder :|note) eat", "reminder eat", False),
    ],
)
def test_a_mark_that_a_pattern_spells_must_stand_there(
    pattern: str, said: str, matches: bool
) -> None:
    assert (match(pattern, said) is not None) is matches


def test_a_time_may_stand_before_a_mark_that_a_pattern_spells() -> None:
    found = match("reminder : {task}", "reminder today: eat", times="today")
    assert found is not None
    assert (found.slots, found.times) == ({"task": (3, 4)}, (1,))


@pytest.mark.parametrize("pattern", ["reminder : {task}", "reminder (:|to) {task}"])
def test_a_time_may_stand_behind_a_mark_that_a_pattern_spells(pattern: str) -> None:
    found = match(pattern, "reminder: today eat", times="today")
    assert found is not None
    assert (found.slots, found.times) == ({"task": (3, 4)}, (2,))


def test_skipped_words_are_passed_over_and_belong_to_no_value() -> None:
    said = "remind, no wait, me to um eat, no"
    found = match("remind me to {task}", said, skipped="no wait|um|, no")
    assert found is not None
    assert found.literals == (0, 5, 6)
    assert heard("pay {recipient}", "pay Ann um", skipped="um") == {"recipient": "Ann"}
    assert heard("pay {recipient}", "pay Ann um Bob", skipped="um") is None
    taken = matcher("pay Ann no wait Bob", skipped="Ann no wait")
    assert taken.match(compile_pattern("pay {recipient}"), 0, 5) == Match(
        {"recipient": (4, 5)}, literals=(0,), reached=5
    )


# ---- what it may cost

HARD = [
    ("{task: ~ ~ ~ ~} end", "a " * 300, ()),
    ("[a] " * 40 + "b", "a " * 60, ()),
    ("(a|a|a b|a [b]) " * 12 + "end", "a " * 12 + "b", ()),
    ("... {task} ... {ref} ... end", "a " * 300, ()),
    ("a {*} end", "a b " * 100, tuple("[a] b [a] ~" for _ in range(8))),
    ("a ...", "a " + "for a " * 100, ("for ~ b", "for ~ ~ c")),
    ("{recipient: ~ @} {task: @ ~} end", "Ann " * 200, ()),
]


@pytest.mark.parametrize(("pattern", "text", "pieces"), HARD, ids=[row[0][:30] for row in HARD])
def test_a_pattern_that_fails_ends_within_its_share_of_the_steps(
    pattern: str, text: str, pieces: tuple[str, ...]
) -> None:
    compiled, size = compile_pattern(pattern), len(tokenize(text))
    given = tuple(piece(compile_pattern(one)) for one in pieces)
    on, found = matcher(text), []
    cost = lines_run(lambda: found.append(on.match(compiled, 0, size, given)))
    assert found[0] is None or found[0].unexplained
    # Its share are 3,000 steps; each may look at some tens of words and pieces.
    assert cost < 150_000


def test_when_all_steps_are_used_up_nothing_matches_any_more() -> None:
    on, easy = matcher("a " * 60), compile_pattern("a " * 60)
    hard = compile_pattern("[a] " * 40 + "b")
    assert on.match(easy, 0, 60) is not None
    tries = 0
    while on.steps > 0:
        before = on.steps
        assert on.match(hard, 0, 60) is None
        assert 0 < before - on.steps <= 3_100, "one pattern takes no more than its share"
        tries += 1
    # So one hard pattern leaves enough for those behind it.
    assert tries >= 8
    assert on.match(easy, 0, 60) is None
    assert on.match(compile_pattern("... {task}"), 0, 60) is None
    assert lines_run(lambda: on.match(hard, 0, 60)) < 100


def test_fewer_steps_find_the_same_match_or_none() -> None:
    said = "book something for two today and with a view at Sakura if it can be done"
    given = tuple(piece(compile_pattern(one)) for one in PIECES)
    pattern, size = compile_pattern("book [a table] {*} ..."), len(tokenize(said))

    def found(steps: int) -> Match | None:
        on = matcher(said, times="today", counts="two", steps=steps)
        return on.match(pattern, 0, size, given)

    assert found(0) is None
    assert found(400) is not None
    assert {repr(found(steps)) for steps in range(100)} == {repr(None), repr(found(400))}
