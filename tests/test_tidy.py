"""The house rules, as far as a test can hold them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "selene_os"
FILES = sorted(SOURCE.rglob("*.py"))
EVERY_FILE = FILES + [
    path
    for room in ("tests", "bench", "training", "examples")
    for path in sorted((ROOT / room).rglob("*.py"))
]

WORDS = {"names", "errors", "reasons", "decision"}
APP_PARTS = {
    "archive", "bringing", "context", "dictionary", "differences", "erasing", "gates", "handovers",
    "proving", "rebuilding", "receipts", "records", "registrations", "registry", "remembering",
    "replaying", "spots", "tenancy", "waiting",
}  # fmt: skip
# Room -> the rooms it may import from; a room may always import from itself.
MAY_IMPORT = {
    "errors": set[str](),
    "names": {"errors"},
    "reasons": {"errors"},
    "decision": WORDS,
    "language": WORDS,
    "engines": WORDS | {"language"},
    "gates": WORDS | {"engines"},
    "handovers": WORDS,
    "turn": WORDS | {"engines", "gates", "handovers"},
    "ledger": WORDS,
    "proof": WORDS | {"keys", "ledger"},
    "proving": WORDS | {"ledger", "proof"},
    "keys": WORDS | {"ledger"},
    "erasing": WORDS | {"keys", "ledger"},
    "app": WORDS | {"turn", "engines", "ledger", "proof"} | APP_PARTS,
    "records": WORDS | {"turn", "gates", "handovers", "engines", "ledger"},
    "receipts": WORDS | {"gates", "handovers", "engines", "ledger"},
    "spots": WORDS | {"ledger"},
    "tenancy": WORDS | {"engines", "ledger"},
    "dictionary": WORDS | {"turn", "engines", "ledger"},
    "remembering": WORDS | {"gates", "engines", "language", "ledger"},
    "registrations": WORDS | {"receipts", "tenancy", "ledger"},
    "registry": WORDS
    | {"dictionary", "erasing", "remembering", "records", "receipts", "registrations"}
    | {"engines", "ledger", "proof", "proving"},
    "bringing": WORDS | {"registry", "records", "receipts", "spots", "engines", "ledger"},
    "context": WORDS | {"records", "spots", "engines", "ledger"},
    "waiting": WORDS
    | {"records", "receipts", "handovers", "spots", "turn", "gates", "engines", "ledger"},
    "archive": WORDS | {"engines", "language", "ledger"},
    "differences": set(),
    "rebuilding": WORDS | {"tenancy", "turn", "gates", "handovers", "engines", "ledger"},
    "replaying": WORDS
    | {"archive", "context", "dictionary", "differences", "rebuilding", "records", "spots"}
    | {"turn", "gates", "handovers", "engines", "ledger"},
    # On the other side of the wire: it knows nothing of Selene but what the API tells.
    "client": {"__version__"},
    "notebook": set(),
    "edges": WORDS
    | {"__version__", "app", "turn", "engines", "language", "ledger", "proof", "keys"}
    | APP_PARTS,
    "__init__": WORDS | {"edges", "engines", "ledger", "proof"} | APP_PARTS,
}
BANNED = re.compile(r"(Manager|Helper|Util|Utils|Processor|Handler|Base|Impl|Data|Info|Service)$")
MODULE_LINES_MAX = 400
# One file on purpose: an auditor reads it from top to bottom, and nothing else of ours. The other
# is written from the API's description, a class for each answer.
LONGER = {
    "src/selene_os/proof/verify_case.py": 430,
    "src/selene_os/client/answers.py": 500,
}
FUNCTION_LINES_MAX = 60


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, at any depth, also for types only."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("selene_os"):
            module = node.module or ""
            for alias in node.names:
                yield f"{module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("selene_os"):
                    yield alias.name


@pytest.mark.parametrize("path", FILES, ids=named)
def test_rooms_import_in_one_direction_only(path: Path) -> None:
    room = room_of(path)
    for module in imports_of(path):
        parts = module.split(".")
        target = parts[1] if len(parts) > 1 else "__init__"
        assert target == room or target in MAY_IMPORT[room], f"{named(path)} imports {module}"


@pytest.mark.parametrize("path", sorted((SOURCE / "engines").rglob("*.py")), ids=named)
def test_no_engine_imports_another_engine(path: Path) -> None:
    def engine_of(parts: tuple[str, ...]) -> str:
        # An engine that needs more room has files that begin with its name.
        return parts[0].removesuffix(".py").split("_")[0]

    mine = engine_of(path.relative_to(SOURCE / "engines").parts)
    for module in imports_of(path):
        if module.startswith("selene_os.engines."):
            theirs = engine_of(tuple(module.split(".")[2:]))
            assert theirs == mine, f"{named(path)} imports {module}"


@pytest.mark.parametrize("path", EVERY_FILE, ids=named)
def test_modules_functions_and_lines_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGER.get(named(path), MODULE_LINES_MAX), named(path)
    assert max((len(line) for line in text.splitlines()), default=0) <= 100, named(path)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= FUNCTION_LINES_MAX, f"{named(path)}: {node.name} has {lines} lines"


@pytest.mark.parametrize("path", EVERY_FILE, ids=named)
def test_no_class_name_says_nothing(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            assert not BANNED.search(node.name), f"{named(path)}: {node.name}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_every_public_thing_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text())
    if path.stat().st_size:
        assert ast.get_docstring(tree), named(path)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{named(path)}: {node.name}"


def test_every_module_is_used_by_another_or_is_a_way_in() -> None:
    # The last one is copied into bundles and run by those who have nothing of Selene's.
    ways_in = {
        "selene_os", "selene_os.edges.cli.main", "selene_os.edges.http.app",
        "selene_os.notebook", "selene_os.proof.verify_case",
    }  # fmt: skip
    cli = (SOURCE / "edges" / "cli" / "main.py").read_text()
    used = {module for path in FILES for module in imports_of(path)}
    for path in FILES:
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        commands = f'"{path.stem}"' in cli and path.parent.name == "cli"
        inside = path.name == "__init__.py"
        found = any(name == module or name.startswith(module + ".") for name in used)
        assert found or commands or inside or module in ways_in, f"nothing imports {module}"


@pytest.mark.parametrize(
    "path", [p for p in FILES if room_of(p) not in ("edges", "client", "__init__")], ids=named
)
def test_nothing_below_the_edges_reads_clock_environment_or_random_source(path: Path) -> None:
    forbidden = {"os": {"environ", "getenv"}, "time": None, "random": None, "secrets": None}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                assert forbidden.get(alias.name, ()) is not None, f"{named(path)}: {alias.name}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            taken = f"{node.value.id}.{node.attr}"
            assert taken not in ("os.environ", "os.getenv", "datetime.now"), named(path)


def test_no_file_holds_a_machine_path_an_index_address_or_a_session_word() -> None:
    # Put together here, so that this file does not hold what it looks for.
    forbidden = [
        "/" + "work/",
        "/" + "root/",
        "--index" + "-url",
        "--find" + "-links",
        "far" + "m-",
    ]
    shown = [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not {".git", ".venv"} & set(path.relative_to(ROOT).parts)
        and not any(part.startswith(".") and part != ".ci" for part in path.relative_to(ROOT).parts)
        and path.suffix in {".py", ".md", ".toml", ".txt", ".sql", ".in", ""}
        and "__pycache__" not in path.parts
    ]
    for path in shown:
        text = path.read_text(errors="replace")
        for word in forbidden:
            assert word not in text, f"{named(path)} holds {word}"
    assert not list(ROOT.glob("uv.lock"))
