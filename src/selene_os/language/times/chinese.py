from __future__ import annotations
from selene_os.language.times.line import Line
from selene_os.language.times.spans import Item
def chinese_at(line: Line, i: int) -> Item | None:
    return None
TRIGGERS: frozenset[str] = frozenset()
