"""Room that a deployment reserves for receipts is lost to the stage's other functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.preflight import Level
from tests.infra.test_preflight import Account, findings, template

RESERVED = {"ReceiptsUrl": "on", "ReceiptsConcurrency": "30"}


def packaged() -> dict[str, Any]:
    """A stage with a channel type, which needs 170 functions at once."""
    made = template()
    off = {"Type": "String", "Default": "off"}
    none = {"Type": "Number", "Default": 0}
    declared = {**made["Parameters"], "ReceiptsUrl": off, "ReceiptsConcurrency": none}
    return {**made, "Parameters": declared}


@pytest.mark.parametrize(("at_once", "level"), [(199, Level.FAIL), (200, Level.OK)])
def test_a_new_reservation_takes_room(tmp_path: Path, at_once: int, level: Level) -> None:
    account = Account(at_once=at_once).free()
    checked = findings(account, tmp_path, packaged=packaged(), **RESERVED)
    assert checked["concurrency"].level is level


def test_a_reservation_that_the_stack_has_is_not_counted_twice(tmp_path: Path) -> None:
    account = Account(at_once=170, status="UPDATE_COMPLETE", previous=RESERVED)
    checked = findings(account, tmp_path, packaged=packaged())
    assert checked["concurrency"].level is Level.OK


def test_a_reservation_without_the_function_of_receipts_takes_no_room(tmp_path: Path) -> None:
    account = Account(at_once=170).free()
    checked = findings(account, tmp_path, packaged=packaged(), ReceiptsConcurrency="30")
    assert checked["concurrency"].level is Level.OK
