"""The emulator keeps what it finds of a number's text, and finds what MiniStack finds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from infra.local import differences

NAMES = ("_number_error", "_ddb_canonicalize_number", "_number_size_bytes")
TEXTS = ["0", "-0", "7", "007", "1.50", "-2.5e3", "1E125", "1E126", "9" * 39, "", " 5", "1_0", "x"]
OTHERS = [None, 5, ["7"]]  # which no request may have in place of a text


@pytest.mark.parametrize("name", NAMES)
def test_a_number_is_read_as_ministack_reads_it(name: str) -> None:
    from ministack.services import dynamodb

    read = getattr(dynamodb, name)
    keeping = SimpleNamespace(**{each: getattr(dynamodb, each) for each in NAMES})
    differences._numbers_read_once(keeping)
    expected = [read(number) for number in [*TEXTS, *OTHERS]]
    for _ in range(2):
        assert [getattr(keeping, name)(number) for number in [*TEXTS, *OTHERS]] == expected
    assert len(set(map(str, expected))) > 2


def test_a_text_is_read_once() -> None:
    seen: list[Any] = []
    reading: dict[str, Any] = dict.fromkeys(NAMES, seen.append)
    module = SimpleNamespace(**reading)
    differences._numbers_read_once(module)
    for number in ("7", "7", "7.0", 7, 7):
        module._number_error(number)
    assert seen == ["7", "7.0", 7, 7]
