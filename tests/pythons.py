"""The Pythons of this machine that Selene claims to run on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# As pyproject.toml says. Of one that is not on the machine nothing can be known.
MINOR_VERSIONS = (11, 12, 13, 14)
HERE = f"3.{sys.version_info.minor}"


@cache
def interpreters() -> dict[str, str]:
    """Version -> path of its interpreter: the one that runs this, and every other that starts."""
    found = {HERE: sys.executable}
    for minor in MINOR_VERSIONS:
        version = f"3.{minor}"
        for path in () if version in found else _candidates(version):
            if _says(path) == version:
                found[version] = str(path)
                break
    return found


def _candidates(version: str) -> Iterator[Path]:
    """On the path, and where pyenv keeps those that it has not put there."""
    for folder in os.get_exec_path():
        yield Path(folder, f"python{version}")
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(root.glob(f"versions/{version}.*/bin/python{version}"))


def _says(path: Path) -> str | None:
    """The version that an interpreter says it is; None where it does not start."""
    if not os.access(path, os.X_OK):
        return None
    code = "import sys; print(f'{sys.version_info[0]}.{sys.version_info[1]}')"
    try:
        ran = subprocess.run(
            [path, "-I", "-c", code], capture_output=True, text=True, timeout=20, check=False
        )
    except OSError:
        return None
    return ran.stdout.strip() if ran.returncode == 0 else None
