"""A peer's times in the form of `selene times --jsonl`: `python -m bench.nlp_answers PEER [zh]`.

One request {"text", "reference_time"} a line on stdin, one answer {"times"} a line on stdout. A
peer that raises on a text has found nothing there, which is counted and told on stderr.
"""

from __future__ import annotations

import json
import shlex
import sys
import warnings
from datetime import datetime

from bench.nlp_clock import NOW
from bench.nlp_peers import TIME_FINDERS, Times


def command(peer: str, language: str) -> str:
    """The command line that a scorer starts."""
    return shlex.join([sys.executable, "-m", "bench.nlp_answers", peer, language])


def moment(reference_time: str | None) -> datetime:
    """The moment of speaking, without offset; where a case names none, any will do."""
    return datetime.fromisoformat(reference_time or NOW).replace(tzinfo=None)


def main(peer: str, language: str = "en") -> None:
    """Answer every line."""
    warnings.simplefilter("ignore")
    finder = TIME_FINDERS[peer](language)
    failed = 0
    for line in sys.stdin:
        request = json.loads(line)
        text, now = request["text"], moment(request["reference_time"])
        told: Times = []
        try:
            found = finder.find(text, now)
        except Exception:
            failed += 1
        else:
            told = finder.told(found, text, now)
        print(json.dumps({"times": told}, ensure_ascii=False), flush=True)
    if failed:
        print(f"{peer} raised on {failed} texts", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
