"""Train the core pack's scorer: `make scorer`, from the utterances in the folder SELENE_DATA.

An averaged perceptron for each intent, in whole numbers from the first to the last, with a fixed
seed: the same data give the same bytes on every machine. Thresholds come from folds that were not
trained on. What is learned are weights of hashed words; no utterance can be read out of them.
Source: docs/packs.md, "The scorer".
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from selene_os.engines.nlp import Request
from selene_os.engines.nlp.clauses import Clauses
from selene_os.engines.nlp.spoken import Spoken
from selene_os.language.grammar import LIGHT_MARKS
from selene_os.language.pack import HEAD, SCORER, Pack, core_pack
from selene_os.language.scorer import BUCKETS, features, save_scorer
from selene_os.language.tokens import tokenize

SEED: Final = 20_261_121
LANGUAGE: Final = "en"
FILE: Final = "nlp_probe.jsonl"
EPOCHS: Final = 6
FOLDS: Final = 3
ROWS_MIN: Final = 30
MARGIN: Final = 4
# A rare intent's rows count this many times at most.
REPEATS_MAX: Final = 12
# Of the utterances that are something else, this share may be agreed to, and be allowed.
AGREE_SHARE: Final = 0.0004
ALLOW_SHARE: Final = 0.002
WEIGHT_MAX: Final = 127
PACK: Final = Path("src/selene_os/language/packs/core")


class Row(NamedTuple):
    """One utterance: its features, the intent it means, and what else it may be taken for."""

    features: tuple[int, ...]
    intent_type: str
    accept: frozenset[str]
    fold: int


def main() -> int:
    """Train from $SELENE_DATA and write scorer.bin with its digest in pack.toml."""
    folder = os.environ.get("SELENE_DATA")
    if not folder or not (Path(folder) / FILE).exists():
        print("skipped: no data. Name the folder with SELENE_DATA.")
        return 0
    aside = os.environ.get("SELENE_ASIDE", "")
    rows = read_rows(Path(folder) / FILE, core_pack(), aside)
    tables = []
    for intent in trained_intents(rows):
        row, weights = train_intent(intent, rows)
        print(f"{intent:24} {row}")
        tables.append((row, weights))
    content = save_scorer(LANGUAGE, tables)
    (PACK / SCORER).write_bytes(content)
    _name_digest(hashlib.sha256(content).hexdigest())
    return 0


def read_rows(file: Path, pack: Pack, aside: str = "") -> list[Row]:
    """Utterances, each whole and without the courtesies in front, as the engine will ask about it.

    Args:
        aside: a digit 0 to 9: rows whose hash ends so, or higher, are left out.
    """
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        given = json.loads(line)
        digest = hashlib.sha256(given["text"].encode()).digest()
        if aside and digest[0] % 10 >= int(aside):
            continue
        accept = frozenset({given["expected"], *given["accept"]})
        said = dict.fromkeys((_words(given["text"]), _bare_words(given["text"], pack)))
        rows += [
            Row(tuple(features(words)), given["expected"], accept, digest[1] % FOLDS)
            for words in said
        ]
    return rows


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in tokenize(text).words if word not in LIGHT_MARKS)


def _bare_words(text: str, pack: Pack) -> tuple[str, ...]:
    language = pack.languages[LANGUAGE]
    spoken = Spoken(Request(text), pack, language)
    first = Clauses(spoken, pack, language).lead(0, len(spoken.said)).first
    last = spoken.without_thanks(first, len(spoken.said))
    return tuple(word for word in spoken.said.words[first:last] if word not in LIGHT_MARKS)


def trained_intents(rows: Iterable[Row]) -> list[str]:
    """The intents with enough utterances of their own, in the order of their names."""
    count = Counter(row.intent_type for row in rows)
    return sorted(name for name, n in count.items() if n >= ROWS_MIN and name != "none")


def train_intent(intent: str, rows: Sequence[Row]) -> tuple[dict[str, Any], bytes]:
    """One intent's weights on all rows, with thresholds from weights that had not seen the row."""
    usable = [row for row in rows if row.intent_type == intent or intent not in row.accept]
    others: list[int] = []
    own: list[int] = []
    for fold in range(FOLDS):
        bias, weights = _perceptron(intent, [row for row in usable if row.fold != fold])
        for row in usable:
            if row.fold == fold:
                score = bias + sum(weights[feature] for feature in row.features)
                (own if row.intent_type == intent else others).append(score)
    others.sort(reverse=True)
    agree, allow = (others[int(len(others) * share)] + 1 for share in (AGREE_SHARE, ALLOW_SHARE))
    shares = [sum(score >= bound for score in own) / len(own) for bound in (agree, allow)]
    print(f"  of its own rows, unseen: agreed {shares[0]:.1%}, allowed {shares[1]:.1%}")
    bias, weights = _perceptron(intent, usable)
    head = {"intent": intent, "bias": bias, "agree": agree, "allow": allow}
    return head, bytes(weight & 0xFF for weight in weights)


def _perceptron(intent: str, rows: Sequence[Row]) -> tuple[int, list[int]]:
    """The averaged weights, scaled to a byte each: whole numbers all the way."""
    order = random.Random(SEED)  # noqa: S311 - a fixed order, no secret
    own = [row for row in rows if row.intent_type == intent]
    repeats = min(REPEATS_MAX, max(1, len(rows) // (10 * len(own))))
    examples = [(row.features, 1) for row in own for _ in range(repeats)]
    examples += [(row.features, -1) for row in rows if row.intent_type != intent]
    weights, sums = [0] * BUCKETS, [0] * BUCKETS
    bias = bias_sum = 0
    step = 1
    for _ in range(EPOCHS):
        order.shuffle(examples)
        for given, sign in examples:
            step += 1
            if sign * (bias + sum([weights[feature] for feature in given])) <= MARGIN:
                bias += sign
                bias_sum += sign * step
                for feature in given:
                    weights[feature] += sign
                    sums[feature] += sign * step
    averaged = [weight * step - total for weight, total in zip(weights, sums, strict=True)]
    largest = max(map(abs, averaged)) or 1
    scaled = [_divided(value * WEIGHT_MAX, largest) for value in averaged]
    return _divided((bias * step - bias_sum) * WEIGHT_MAX, largest), scaled


def _divided(value: int, by: int) -> int:
    """To the nearest whole number, halves away from zero."""
    half = by // 2
    return (value + half) // by if value >= 0 else -((-value + half) // by)


def _name_digest(digest: str) -> None:
    """Write the table's digest into pack.toml, where the loader looks for it."""
    head = PACK / HEAD
    text = head.read_text(encoding="utf-8")
    table = f'[scorer]\ndigest = "{digest}"\n'
    text, found = re.subn(r'\[scorer\]\ndigest = "[0-9a-f]*"\n', table, text)
    head.write_text(text if found else f"{text.rstrip()}\n\n{table}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
