"""What importing Selene loads, and what its names are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import selene_os
from command import environment, python

HEAVY = {
    "fastapi", "pydantic", "psycopg", "psycopg2", "opentelemetry", "pyarrow", "sqlalchemy",
    "starlette", "uvicorn", "numpy", "pandas", "requests", "httpx", "hypothesis", "pytest",
}  # fmt: skip
_LOADED = """
import contextlib, io, json, sys
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    exec(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""
_LINE = "import sys; from selene_os.edges.cli.main import main; main({line!r})"


def loaded_by(source: str) -> set[str]:
    """The modules that are loaded once some source has run in a process of its own."""
    return set(json.loads(python(_LOADED, source)))


def roots(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_importing_selene_loads_no_driver_and_no_engine() -> None:
    modules = loaded_by("import selene_os")
    assert not roots(modules) & (HEAVY | {"apsw", "click", "cryptography"})
    assert {module for module in modules if module.startswith("selene_os")} == {"selene_os"}


def test_using_a_ledger_loads_nothing_that_is_not_needed(tmp_path: Path) -> None:
    modules = loaded_by(
        "import selene_os\n"
        f"with selene_os.open({str(tmp_path / 'x.db')!r}, create=True) as selene:\n"
        "    selene.add_tenant('acme')\n"
        "    acme = selene.tenant('acme')\n"
        "    acme.register('alice', 'kitchen')\n"
        "    acme.take_turn('alice', 'kitchen', 'remind me to call mom tomorrow')\n"
        "    acme.commit_profile('alice', 'kitchen', speaker='alice')\n"
    )
    assert not roots(modules) & (HEAVY | {"click"})
    assert "apsw" in modules


@pytest.mark.parametrize("line", [["--help"], ["-h"], ["--version"], ["nonsense"], []])
def test_help_loads_neither_the_driver_nor_an_engine(line: list[str]) -> None:
    modules = loaded_by(_LINE.format(line=line))
    mine = {module for module in modules if module.startswith("selene_os.")}
    assert not roots(modules) & (HEAVY | {"apsw", "cryptography"})
    assert not {module for module in mine if module.startswith("selene_os.engines")}
    assert not {module for module in mine if module.startswith(("selene_os.ledger", "selene_os.l"))}
    assert "selene_os.edges.cli.turns" not in mine


def test_understanding_without_a_ledger_loads_no_driver() -> None:
    modules = loaded_by(_LINE.format(line=["normalize", "hello"]))
    assert not {"apsw", "cryptography"} & roots(modules)


def test_a_ledger_that_is_opened_loads_no_cipher_before_a_word_needs_one(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    selene_os.open(path, create=True).close()
    begun = f"import selene_os\nselene = selene_os.open({path!r}, create=True)\n"
    assert "cryptography" not in roots(loaded_by(f"{begun}selene.add_tenant('acme')\n"))


def test_every_public_name_is_there() -> None:
    for name in selene_os.__all__:
        assert getattr(selene_os, name) is not None
    assert sorted(selene_os.__all__) == list(selene_os.__all__)
    assert len(set(selene_os.__all__)) == len(selene_os.__all__)


def test_every_public_name_is_there_in_a_fresh_process() -> None:
    source = "from selene_os import *\nimport json\nprint(json.dumps(sorted(globals())))"
    found = set(json.loads(python(source)))
    assert found >= set(selene_os.__all__)


def test_dir_lists_every_public_name_before_it_is_used() -> None:
    source = "import json, selene_os; print(json.dumps(dir(selene_os)))"
    assert set(json.loads(python(source))) >= set(selene_os.__all__)


def test_a_name_that_is_not_there_is_said_to_be_missing() -> None:
    assert not hasattr(selene_os, "nonsense")
    with pytest.raises(AttributeError, match=r"module 'selene_os' has no attribute 'nonsense'"):
        _ = selene_os.nonsense
    with pytest.raises(ImportError, match="nonsense"):
        exec("from selene_os import nonsense")


def test_a_public_name_is_the_same_object_each_time() -> None:
    for name in selene_os.__all__:
        assert getattr(selene_os, name) is getattr(selene_os, name)


def test_the_times_of_a_language_are_public() -> None:
    assert "selene_os.language.times" in loaded_by("import selene_os.language.times")


def test_selene_brings_its_types_along() -> None:
    assert (Path(selene_os.__file__).parent / "py.typed").is_file()


def test_nothing_is_written_and_nothing_warns_when_selene_is_imported(tmp_path: Path) -> None:
    names = "".join(f"selene_os.{name};" for name in selene_os.__all__)
    env = environment(HOME=str(tmp_path), PYTHONDONTWRITEBYTECODE="1", PYTHONWARNINGS="error")
    assert (
        python(f"import os; os.chdir({str(tmp_path)!r}); import selene_os;{names}", env=env) == ""
    )
    assert list(tmp_path.iterdir()) == []
