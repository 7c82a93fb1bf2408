"""The same question elsewhere: by curl, in Python, on the command line. No secret stands in one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from selene_os.edges.console.shown import HIDDEN
from selene_os.edges.console.visits import Visit
from selene_os.edges.http.moments import nanoseconds


class Snippet(NamedTuple):
    """One way to ask the same: what it is called, and its text."""

    name: str
    text: str


def of_search(visit: Visit, asked: Mapping[str, str]) -> list[Snippet]:
    """A search with what it asks for."""
    tenant = visit.here.tenant_id
    # What a search is called by over HTTP, it is called by on the command line and in Python.
    query = urlencode(asked)
    flags = "".join(f" --{key} {_quoted(value)}" for key, value in asked.items())
    named = "".join(
        f", {key}={_nanoseconds(value) if key in ('since', 'until') else ascii(value)}"
        for key, value in asked.items()
    ).removeprefix(", ")
    return [
        Snippet("curl", _curl(visit, "decisions" + (f"?{query}" if query else ""))),
        Snippet("Python", _python(visit, f"tenant.search({named})")),
        Snippet("Command line", f"selene search --tenant {_quoted(tenant)}{flags}"),
    ]


def of_conversation(visit: Visit, correlation: str) -> list[Snippet]:
    """A conversation with its story."""
    tenant = visit.here.tenant_id
    return [
        Snippet("curl", _curl(visit, f"conversations/{quote(correlation, safe='')}?explain=true")),
        Snippet("Python", _python(visit, f"tenant.trace({correlation!a})")),
        Snippet(
            "Command line",
            f"selene trace --tenant {_quoted(tenant)}"
            f" --correlation {_quoted(correlation)} --explain",
        ),
    ]


def _curl(visit: Visit, path: str) -> str:
    url = visit.request.base_url
    tenant = quote(visit.here.tenant_id, safe="")
    address = _quoted(f"{url.scheme}://{url.netloc}/v1/tenants/{tenant}/{path}")
    return f'curl -H "authorization: Bearer $SELENE_KEY" {address}'


def _python(visit: Visit, call: str) -> str:
    opened = "import selene_os\n\nwith selene_os.open() as selene:\n"
    return f"{opened}    tenant = selene.tenant({visit.here.tenant_id!a})\n    print({call})"


def _nanoseconds(value: str) -> str:
    return str(nanoseconds("since", value))


def _quoted(text: str) -> str:
    """A word for a shell; what would hide in it is written out, as bash and zsh read it."""
    if not HIDDEN.search(text) and "\n" not in text:
        return shlex.quote(text)
    inner = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return "$'" + HIDDEN.sub(lambda found: f"\\U{ord(found[0]):08x}", inner) + "'"
