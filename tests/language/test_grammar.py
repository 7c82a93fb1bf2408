"""The grammar: a pattern explains a whole clause or nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patterns import heard, match, named_parts
from selene_os.language import grammar
from selene_os.language.grammar import PatternError, compile_pattern, first_words, slots
from selene_os.language.phrases import phrase_end
from selene_os.language.tokens import tokenize
from steps import lines_run


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("remind me", "remind me"),
        ("remind me", "Remind ME!"),
        ("(remind|tell) me", "tell me"),
        ("set [up] a reminder", "set a reminder"),
        ("set [up] a reminder", "set up a reminder"),
        ("(a [b|c]|d) e", "a c e"),
        ("(a [b|c]|d) e", "a e"),
        ("(a [b|c]|d) e", "d e"),
        ("[a|b c] d", "b c d"),
        ("don't go", "don\u2019t go"),
    ],
)
def test_a_pattern_explains_what_it_spells(pattern: str, text: str) -> None:
    assert heard(pattern, text) == {}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("remind me", "remind"),
        ("remind me", "please remind me"),
        ("remind me", "remind me not"),
        ("remind me", "reminders me"),
        ("remind me", "remind meet"),
        ("(remind|tell) me", "remind tell me"),
        ("(a|b)", "a b"),
        ("remind me", ""),
        ("send {amount}", "send five"),
        ("remind me to {task}", "remind me to"),
    ],
)
def test_a_pattern_that_leaves_a_token_unexplained_does_not_match(pattern: str, text: str) -> None:
    assert heard(pattern, text) is None


def test_values_stand_in_their_slots_verbatim() -> None:
    said = heard("send {amount} to {recipient}", "Send $20 to Ann LEE", money="$20")
    assert said == {"amount": "$20", "recipient": "Ann LEE"}


def test_a_name_holds_no_word_that_ends_names() -> None:
    assert heard("pay {recipient}", "pay Ann to") is None
    assert heard("pay {recipient} for {task}", "pay Ann for the tea") == {
        "recipient": "Ann",
        "task": "the tea",
    }


@pytest.mark.parametrize(
    "text",
    ["tomorrow remind me to eat", "remind me tomorrow to eat", "remind me to eat tomorrow",
     "remind tomorrow me to eat", "remind me, tomorrow, to eat"],
)  # fmt: skip
def test_a_time_may_stand_between_any_two_elements(text: str) -> None:
    found = match("remind me to {task}", text, times="tomorrow")
    assert found is not None
    assert [tokenize(text).words[at] for at in found.times] == ["tomorrow"]
    assert heard("remind me to {task}", text, times="tomorrow") == {"task": "eat"}


def test_a_time_alone_is_no_free_text() -> None:
    assert heard("remind me to {task}", "remind me to tomorrow", times="tomorrow") is None


def test_the_trigger_is_the_words_of_the_pattern_and_no_others() -> None:
    found = match("remind me to {task}", "remind me to eat now")
    assert found is not None
    assert found.literals == (0, 1, 2)


@pytest.mark.parametrize(
    "pattern",
    ["", "   ", "(", ")", "(a", "a)", "[a", "a]", "(a]", "[a)", "(a|b", "{task", "task}", "{}",
     "{Task}", "{a b}", "a | b", "{1}", "<", ">", "<a", "a>", "<>", "<A>", "<a b>", "a < b",
     "{task:", "{task:}", "{task: }", "{task: a|}", "{task: |a}", "{task: (a}", "{task: a)",
     "{task: a]", "{: a}", "{*", "*}", "{* }", "a\\ <b>"],
)  # fmt: skip
def test_a_pattern_that_cannot_be_read_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(pattern)


@given(st.text("ab {}()[]|'.,王~@:<>*_", max_size=14) | st.text(max_size=14))
def test_any_text_is_compiled_or_refused_as_a_pattern(pattern: str) -> None:
    try:
        compiled = compile_pattern(pattern)
    except PatternError as error:
        assert str(error)
        return
    assert isinstance(list(slots(compiled)), list)
    assert isinstance(first_words(compiled), set)
    assert grammar.longest(compiled) >= len(grammar.needs(compiled))
    assert all(grammar.needs(compiled)), "a set of no words is one that nobody can say"


def test_slots_and_first_words_are_those_of_every_way() -> None:
    pattern = compile_pattern("[please] (send|pay {amount}) to {recipient}")
    assert set(slots(pattern)) == {"amount", "recipient"}
    assert first_words(pattern) == {"please", "send", "pay"}
    assert first_words(compile_pattern("{amount} to {recipient}")) == set()
    assert first_words(compile_pattern("[a] {task}")) == set()


@given(st.lists(st.sampled_from("remind me to eat now please , .".split()), max_size=10))
def test_a_match_explains_every_token_from_the_first_to_the_last(words: list[str]) -> None:
    text = " ".join(words)
    found = match("[please] remind me [to {task}]", text)
    if found is None:
        return
    explained = set(found.literals)
    explained |= {at for first, last in found.slots.values() for at in range(first, last)}
    marks = {at for at, word in enumerate(tokenize(text).words) if word in ",."}
    assert explained | marks == set(range(len(tokenize(text))))


def test_a_prefix_ends_behind_its_longest_way() -> None:
    said = tokenize("thank you so much for the tea")
    assert phrase_end(said, (), compile_pattern("thank you [so much]"), 0, 7) == 4
    assert phrase_end(said, (), compile_pattern("thank me"), 0, 7) is None


def test_a_phrase_of_many_options_takes_no_more_than_its_length_allows() -> None:
    said = tokenize("a " * 40)

    def cost(options: int) -> int:
        phrase = compile_pattern("[a] " * options + "b")
        return lines_run(lambda: phrase_end(said, (), phrase, 0, 40))

    assert cost(10) <= 8 * cost(5)


# ---- what is known of a pattern before anything is said


def test_a_part_is_what_it_stands_for() -> None:
    parts = named_parts(ask="remind|tell", me="me|us", wish="please <ask> <me>|<ask>")
    assert compile_pattern("<ask> me", parts) == compile_pattern("(remind|tell) me")
    assert compile_pattern("[<me>]", parts) == compile_pattern("[me|us]")
    assert compile_pattern("{task: <me> ~}", parts) == compile_pattern("{task: (me|us) ~}")
    assert compile_pattern("<wish> now", parts) == compile_pattern(
        "(please (remind|tell) (me|us)|(remind|tell)) now"
    )


def test_a_part_that_is_not_there_is_refused_by_its_name() -> None:
    with pytest.raises(PatternError, match="<ask>"):
        compile_pattern("<ask> me", named_parts(asks="remind"))
    # Only those above it are there.
    with pytest.raises(PatternError, match="<ask>"):
        named_parts(wish="please <ask>", ask="remind")


def needed(pattern: str) -> set[frozenset[str]]:
    return set(grammar.needs(compile_pattern(pattern)))


def words(*groups: str) -> set[frozenset[str]]:
    return {frozenset(group.split()) for group in groups}


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("remind me", words("remind", "me")),
        ("(remind|tell) me", words("remind tell", "me")),
        ("remind [me] {task}", words("remind")),
        ("({task}|remind) me", words("me")),
        ("(a b|c)", words("a c")),
        ("{task: to ~}", words("to")),
        ("[{task: to ~}] now", words("now")),
        ("rem_* ... {*} ~ @", set()),
        ("提醒我", words("提", "醒", "我")),
    ],
)
def test_what_a_pattern_needs_are_words_of_which_every_match_holds_one(
    pattern: str, wanted: set[frozenset[str]]
) -> None:
    assert needed(pattern) == wanted


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("remind me", 2),
        ("remind [me|all of us] {task}", 4),
        ("cancel rem_*", 2),
        ("cancel {task: the [~] (one|last of them)} [now]", 6),
        ("remind me ~ @", 2),
        ("提醒我", 3),
    ],
)
def test_the_longest_match_is_the_one_of_the_most_words(pattern: str, wanted: int) -> None:
    assert grammar.longest(compile_pattern(pattern)) == wanted


@pytest.mark.parametrize("pattern", ["book {*}", "book ...", "book [a|{*}]", "book (a|b ...)"])
def test_pieces_and_unexplained_words_may_hold_any_number_of_words(pattern: str) -> None:
    assert grammar.longest(compile_pattern(pattern)) > 1_000_000


@pytest.mark.parametrize(
    ("pattern", "loose"),
    [
        ("book ...", True),
        ("... book", True),
        ("book [me ...]", True),
        ("(book|(get|find ...) me)", True),
        ("book {*}", False),
        ("book {task: a ~}", False),
        ("book ~ [@]", False),
    ],
)
def test_only_words_that_nothing_explains_make_a_pattern_loose(pattern: str, loose: bool) -> None:
    assert grammar.is_loose(compile_pattern(pattern)) is loose


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("{task: the ~|a ~} x", {"the", "a"}),
        ("{task: [the] ~} x", set()),
        ("rem_* x", set()),
        ("[please] rem_*", set()),
        ("... x", set()),
        ("{*} x", set()),
        ("[a] [b] c", {"a", "b", "c"}),
        ("[a] {task: ~ x}", set()),
        ("[a] {task: b x}", {"a", "b"}),
        ("(a|) b", {"a", "b"}),
    ],
)
def test_first_words_are_every_word_that_a_match_can_begin_with(
    pattern: str, wanted: set[str]
) -> None:
    assert first_words(compile_pattern(pattern)) == wanted


WAYS = ["a", "b", "a b", "b a", "a a", ": a", ", b", "", "[a] b", "(b|: b)"]
SAID = st.lists(st.sampled_from(["a", "b", ":", ","]), max_size=5).map(" ".join)


@given(st.lists(st.sampled_from(WAYS), min_size=1, max_size=4), st.randoms(), SAID)
def test_the_order_of_the_ways_of_a_choice_changes_no_match_of_words(
    ways: list[str], chance: random.Random, said: str
) -> None:
    other = [*ways, chance.choice(ways)]
    chance.shuffle(other)
    one = match(f"({'|'.join(ways)}) [b] a", said)
    assert match(f"({'|'.join(other)}) [b] a", said) == one


@given(st.lists(st.sampled_from(WAYS), min_size=1, max_size=4), SAID)
def test_a_choice_matches_where_one_of_its_ways_does(ways: list[str], said: str) -> None:
    alone = [match(f"{way} a", said) for way in ways]
    assert (match(f"({'|'.join(ways)}) a", said) is not None) == any(alone)


def test_a_choice_within_a_choice_gives_its_own_ways() -> None:
    assert compile_pattern("(a|(b|[c]))") == compile_pattern("(a|b|c|)")
    assert compile_pattern("((a|b) c|d)") != compile_pattern("(a c|b c|d)")


@st.composite
def written(draw: st.DrawFn, depth: int = 3) -> str:
    """A pattern of the words a, b and c, nested a little."""
    if depth == 0:
        return draw(st.sampled_from(["a", "b", "c", "c_*", "~", "@"]))
    inner = written(depth - 1)
    form = draw(st.sampled_from(["{0} {1}", "({0}|{1})", "[{0}] {1}", "{0} [{1}]", "{0}"]))
    return form.format(draw(inner), draw(inner))


@given(written(), st.lists(st.sampled_from(["a", "b", "c", "c_1", "d"]), max_size=6))
def test_what_is_known_of_a_pattern_holds_of_each_of_its_matches(
    pattern: str, said: list[str]
) -> None:
    found, compiled = match(pattern, " ".join(said)), compile_pattern(pattern)
    if found is None:
        return
    assert all(not need.isdisjoint(said) for need in grammar.needs(compiled))
    assert len(found.literals) <= grammar.longest(compiled)
    begins = first_words(compiled)
    assert not begins or said[0] in begins
    assert found.unexplained == ()
