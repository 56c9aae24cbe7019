"""A stage with settings of an earlier layout is not deployed."""

from __future__ import annotations

from pathlib import Path

from infra.preflight import Level
from tests.infra.test_preflight import Account, findings


def test_settings_of_the_earlier_layout_stop_the_deployment(tmp_path: Path) -> None:
    today = ["group-list#000001", "list#template#k", "number#group-list", "audit#2026-11"]
    account = Account(status="UPDATE_COMPLETE", settings=today)
    assert "layout" not in findings(account, tmp_path)
    account = Account(status="UPDATE_COMPLETE", settings=[*today, "group#list#000001"])
    checked = findings(account, tmp_path)["layout"]
    assert checked.level is Level.FAIL
    assert "make upgrade STAGE=prod" in checked.text
