"""What was heard: one request of an utterance, on its way from words to fields."""

from __future__ import annotations

from dataclasses import dataclass

from selene_os.language import times


@dataclass(frozen=True, slots=True)
class Heard:
    """One request in an utterance, or None as intent where no pack knows what is asked for.

    Attributes:
        intent_type: the intent, or None.
        slots: field -> (first, last) tokens.
        times: the time expressions that belong to the clause itself.
        literals: the trigger's tokens.
        firm: the clause is explained from its trigger on, or the scorer agrees.
        unexplained: how many tokens a loose pattern passed over.
        asked: somebody was asked to do it ("could you …").
        askable: it is too loose a match to be drafted; what it lacks may be asked for.
    """

    intent_type: str | None
    first: int
    last: int
    slots: dict[str, tuple[int, int]]
    times: tuple[times.TimeSpan, ...] = ()
    literals: tuple[int, ...] = ()
    firm: bool = True
    unexplained: int = 0
    askable: bool = False
    asked: bool = False
