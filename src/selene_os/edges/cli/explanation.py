"""How an explanation looks to a person: one fact a line, what belongs together in one column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from selene_os.edges.cli import paint
from selene_os.engines.nlp.explaining import UNKNOWN
from selene_os.engines.nlp.explanation import Explanation, Found, Matched

_LABEL: Final = 11


def explained(explanation: Explanation) -> str:
    """Every step from what was said to the outcome."""
    return "\n".join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    yield _line("said", paint.shown(explanation.text))
    yield _line("read by", f"{explanation.pack} {explanation.digest[:12]}")
    for number, sentence in enumerate(explanation.sentences, 1):
        if len(explanation.sentences) > 1:
            yield _line(f"sentence {number}", paint.shown(sentence.text))
    yield from _aligned("passed", [(_quoted(one.at.text), one.why) for one in explanation.passed])
    yield from _aligned(
        "values", [(_quoted(one.at.text), _meaning(one)) for one in explanation.values]
    )
    yield from _matched(explanation.matched)
    yield from _set_aside(explanation)
    for number, chosen in enumerate(explanation.chosen, 1):
        label = "chosen" if len(explanation.chosen) == 1 else f"chosen {number}"
        intent = click.style(chosen.intent_type or "UNKNOWN", bold=True)
        why = "" if chosen.intent_type else f": {UNKNOWN}"
        yield _line(label, f"{intent} in {_quoted(chosen.at.text)}{why}")
        yield from _aligned("", [(key, _quoted(at.text)) for key, at in chosen.slots])
    if not explanation.chosen:
        why = "it was taken back" if explanation.withdrawn else "no pattern explains a whole clause"
        yield _line("chosen", f"nothing: {why}")
    result = explanation.result
    if result.ambiguity_flags:
        yield _line("flags", ", ".join(result.ambiguity_flags))
    yield _line("outcome", paint.answer(explanation.text, result))


def _matched(matched: tuple[Matched, ...]) -> Iterator[str]:
    for number, one in enumerate(matched):
        chosen = click.style("  chosen", fg="green") if one.chosen else ""
        yield _line("matched" if not number else "", f"{one.intent_type} by {one.pattern}{chosen}")
        yield _line("", f"  explains {_quoted(one.at.text)}{_passed_over(one.unexplained)}")
        if one.verdict is not None:
            yield _line(
                "",
                f"  scorer {one.verdict}: {one.score}; it allows from {one.allow},"
                f" agrees from {one.agree}",
            )


def _set_aside(explanation: Explanation) -> Iterator[str]:
    for number, one in enumerate(explanation.set_aside):
        yield _line("set aside" if not number else "", f"{_quoted(one.at.text)}: {one.reason}")
        if one.pattern is not None:
            by = f"{one.intent_type} by " if one.intent_type else "by "
            yield _line("", f"  {by}{one.pattern}")


def _passed_over(unexplained: int) -> str:
    if not unexplained:
        return ""
    return f", passing over {unexplained} word{'s' if unexplained > 1 else ''}"


def _meaning(found: Found) -> str:
    grain = f" to the {found.grain}" if found.grain and found.meaning else ""
    if not found.meaning:
        return found.kind
    return f"{found.kind}{grain}: {' or '.join(found.meaning)}"


def _aligned(label: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    """Two columns below one label."""
    width = max((len(left) for left, _ in rows), default=0)
    for number, (left, right) in enumerate(rows):
        yield _line(label if not number else "", f"{left:<{width}}  {right}")


def _quoted(text: str) -> str:
    return f'"{paint.shown(text)}"'


def _line(label: str, text: str) -> str:
    return f"{label:<{_LABEL}}{text}".rstrip()
