"""A small assistant at the command line: it asks, drafts and records, and does nothing by itself.

SELENE_URL=http://localhost:8100 SELENE_KEY=sel_acme_… python assistant.py alice kitchen
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from selene_os.client import ApiError, Client, NotConfigured, NotReached, NotSelene
from selene_os.client.answers import TurnAnswer
from selene_os.client.errors import BadField


def told(answer: TurnAnswer) -> str:
    """An answer as the assistant says it."""
    if answer.decision in ("CONFIRMED", "DECLINED"):
        done = "is recorded as your yes" if answer.decision == "CONFIRMED" else "is dropped"
        return f"Your draft {answer.intent_type} {done}. Whoever may act on it can: I do nothing."
    if answer.lapsed is not None:
        return f"That came too late ({answer.lapsed}). Say it again from the beginning."
    if answer.decision == "CLARIFY":
        return f"{answer.question} For example: {' | '.join(answer.accepted_answer_formats or ())}"
    if answer.decision != "INTENT_DRAFT":
        return "I have nothing to do there."
    heard = ", ".join(f"{one['key']} = {one['text']}" for one in answer.fields)
    lines = [f"I understood {answer.intent_type}" + (f" with {heard}." if heard else ".")]
    if answer.confirm_by is not None:
        lines.append(f"Shall I have that recorded? Say yes or no, until {answer.confirm_by[:19]}Z.")
    return " ".join(lines)


def converse(selene: Client, user: str, device: str, lines: Iterable[str]) -> Iterable[str]:
    """One conversation: for each line that is said, what is answered."""
    correlation = None
    for line in lines:
        text = line.strip()
        if not text:
            continue
        try:
            # The client makes one Idempotency-Key for this call and keeps it in every attempt, so
            # that one utterance is one turn however often it has to be sent.
            answer = selene.take_turn(user, device, text, correlation_id=correlation)
        except NotReached as error:
            yield f"I cannot reach the ledger: {error} Say it again."
            continue
        except BadField as error:
            # What was said cannot be taken; everything else is the operator's, and ends this.
            yield f"I cannot take that: {error.detail}. {error.next_step}"
            continue
        correlation = answer.correlation_id
        yield told(answer)


def main() -> int:
    """Read lines, answer them; 2 where the settings cannot be right, 1 where Selene cannot."""
    if len(sys.argv) != 3 or not {"SELENE_URL", "SELENE_KEY"} <= os.environ.keys():
        sys.stderr.write(__doc__ or "")
        return 2
    user, device = sys.argv[1:]
    try:
        with Client(os.environ["SELENE_URL"], os.environ["SELENE_KEY"]) as selene:
            for answer in converse(selene, user, device, sys.stdin):
                sys.stdout.write(f"{answer}\n")
                sys.stdout.flush()
    except NotConfigured as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (ApiError, NotSelene) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
