"""What keeps a pattern that fits from being a request: a quotation, a question, a statement."""

from __future__ import annotations

from selene_os.engines.nlp.heard import Heard
from selene_os.engines.nlp.spoken import Spoken
from selene_os.language.matching import Match


def veto(spoken: Spoken, match: Match) -> str | None:
    """Why what stands in a match's slots cannot be what they are for; None where it can."""
    if any(index in spoken.quoted for index in match.literals):
        return "its trigger is quoted"
    words, lists = spoken.said.words, spoken.language.words
    task, recipient = match.slots.get("task"), match.slots.get("recipient")
    if task is not None and words[task[0]] in lists["question_heads"]:
        # "Remind me of which plan I am on" asks a question.
        return "its task is a question"
    for first, _ in match.slots.values():
        if words[first] in lists["statives"] and words[first] != "of":
            # "Google is great", "that book is mine".
            return "something is said of it"
    if (
        recipient is not None
        and words[recipient[0] - 1] != "to"
        and words[recipient[1] - 1] in lists["things"]
    ):
        # "Pay the bill" names no one; "to my savings account" does.
        return "its recipient is a thing"
    return None


def may_be_headless(spoken: Spoken, first: int, last: int) -> bool:
    """Whether a clause may have its trigger somewhere inside: no statement, no outer verb."""
    head, lists = spoken.light(first, last), spoken.language.words
    return head < last and spoken.said.words[head] not in (
        lists["statement_heads"] | lists["outer_verbs"]
    )


def commands(spoken: Spoken, first: int, last: int) -> bool:
    """Whether a clause begins with a verb that asks for something else: "print the forecast"."""
    head = spoken.light(first, last)
    return head < last and (
        spoken.begins("imperatives", head, last)
        or spoken.said.words[head] in spoken.language.words["outer_verbs"]
    )


def says(spoken: Spoken, heard: Heard) -> bool:
    """Whether a request says what is meant: more than a reference, or the pattern's own words."""
    words, lists = spoken.said.words, spoken.language.words
    if not lists["own"].isdisjoint(words[heard.first : heard.last]):
        return True
    references = lists["references"] | lists["pronouns"]
    return any(
        " ".join(words[first:last]) not in references
        and not set(heard.literals).issuperset(range(first, last))
        for first, last in heard.slots.values()
    )


def asks(spoken: Spoken, first: int, last: int) -> bool:
    """Whether a clause ends as a question does that has the words of a statement: 吗, 呢."""
    end = spoken.heavy_end(first, last)
    return end > first and spoken.said.words[end - 1] in spoken.language.words["question_ends"]
