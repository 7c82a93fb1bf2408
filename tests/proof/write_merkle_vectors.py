"""Write `merkle_vectors.json` anew, from a clone of the repository that it is taken from.

    python tests/proof/write_merkle_vectors.py <git directory of transparency-dev/merkle>

The inclusion and consistency cases only: which numbers and hashes a proof has, and whether it
holds. Hashes stand once, in a list that the cases count into.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

SOURCE = "github.com/transparency-dev/merkle"
# By kind, the numbers and hashes that a case has beside its proof.
FIELDS = {
    "inclusion": ("leafIdx", "treeSize", "leafHash", "root"),
    "consistency": ("size1", "size2", "root1", "root2"),
}


def git(directory: str, *words: str) -> bytes:
    """What git says of a repository."""
    return subprocess.run(
        ["git", "--git-dir", directory, *words], check=True, capture_output=True
    ).stdout


def main(directory: str) -> None:
    """Read every case of the newest commit, and write them beside this file."""
    commit = git(directory, "rev-parse", "HEAD").decode().strip()
    hashes: dict[str, int] = {}

    def place(value: str | None) -> int:
        return hashes.setdefault(value or "", len(hashes))

    kinds: dict[str, list[Any]] = {kind: [] for kind in FIELDS}
    archive = git(directory, "archive", commit, *(f"testdata/{kind}" for kind in FIELDS))
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in sorted(files.getmembers(), key=lambda one: one.name):
            content = files.extractfile(member)
            if content is None or not member.name.endswith(".json"):
                continue
            _, kind, name = member.name.removesuffix(".json").split("/", 2)
            case = json.load(content)
            first, second, third, fourth = (case[field] for field in FIELDS[kind])
            proof = [place(one) for one in case["proof"] or ()]
            row = [name, first, second, place(third), place(fourth), proof, not case["wantErr"]]
            kinds[kind].append(row)
    told = {"source": SOURCE, "commit": commit, "licence": "Apache-2.0", "hashes": list(hashes)}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in told.items()]
    for kind, rows in kinds.items():
        written = ",\n".join(json.dumps(row) for row in rows)
        lines.append(f"{json.dumps(kind)}: [\n{written}\n]")
    target = Path(__file__).with_name("merkle_vectors.json")
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
