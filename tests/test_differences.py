"""Where two JSON values part."""

from __future__ import annotations

from typing import Any

import pytest

from selene_os.differences import ABSENT, between

PARTED: list[tuple[Any, Any, list[tuple[str, Any, Any]]]] = [
    ({}, {}, []),
    ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, []),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
    (1, 2, [("", 1, 2)]),
    ({"a": 1}, {"a": 2}, [("/a", 1, 2)]),
    ({"a": None}, {}, [("/a", None, ABSENT)]),
    ({}, {"a": None}, [("/a", ABSENT, None)]),
    ([1, 2], [1], [("/1", 2, ABSENT)]),
    ([], [[]], [("/0", ABSENT, [])]),
    ({"a": True}, {"a": 1}, [("/a", True, 1)]),
    ({"a": 1}, {"a": 1.0}, [("/a", 1, 1.0)]),
    ({"a": {}}, {"a": []}, [("/a", {}, [])]),
    ({"a/b": {"c~d": 1}}, {"a/b": {"c~d": 2}}, [("/a~1b/c~0d", 1, 2)]),
    ({"x": 1, "y": 1}, {"y": 2, "z": 1}, [("/x", 1, ABSENT), ("/y", 1, 2), ("/z", ABSENT, 1)]),
]


@pytest.mark.parametrize(("recorded", "replayed", "expected"), PARTED)
def test_each_place_is_named_with_both_sides(
    recorded: Any, replayed: Any, expected: list[tuple[str, Any, Any]]
) -> None:
    found = [(one.path, one.recorded, one.replayed) for one in between(recorded, replayed)]
    assert found == expected


def test_a_side_that_has_nothing_is_left_out_and_null_is_not() -> None:
    (gone,) = between({"a": None}, {})
    assert gone.as_record() == {"path": "/a", "recorded": None}
    assert repr(ABSENT) == "nothing"
