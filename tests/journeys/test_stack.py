"""What must hold of the deployment as a whole: calls, executions, ended workers, and what is written down where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from infra.local.client import Shop
from tests.journeys.conftest import STACK, finished, scan
from tests.journeys.test_channels import APP, EMAIL, SMS

SECONDS = 120


def test_the_demo_runs_and_every_figure_is_right(stack: Mapping[str, Any]) -> None:
    command = [sys.executable, "-m", "infra.local.demo", "--name", STACK.name, "--stage", STACK.stage]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "curl" in ended.stdout


def _counts(stack: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(stack["emulator_url"] + "/_openums/counts", timeout=10).json()
    return found


def _forget_counts(stack: Mapping[str, Any]) -> None:
    requests.delete(stack["emulator_url"] + "/_openums/counts", timeout=10)


def test_accepting_takes_at_most_three_aws_calls(shop: Shop, stack: Mapping[str, Any]) -> None:
    shop.upload([shop.user(f"a{n}", app=[f"{shop.mark}a{n}"]) for n in range(100)])
    template = shop.template(**APP)
    people = [f"a{n}" for n in range(100)]
    shop.api.send(people, template, {"name": "Ann"})  # what a warm function holds is read
    time.sleep(0.2)
    _forget_counts(stack)
    shop.api.send(people, template, {"name": "Ann"})
    api = _counts(stack)["by_caller"]["api"]
    of_settings = _counts(stack)["read_units"].get("openums-test-settings", 0)
    calls = sum(n for service in api.values() for n in service.values())
    assert calls <= 3 or (of_settings and calls - of_settings <= 3), api


def test_one_execution_serves_all_that_is_due_in_a_slot(shop: Shop, stack: Mapping[str, Any], aws: Any) -> None:
    number = 500
    shop.upload([shop.user(f"s{n}", app=[f"{shop.mark}s{n}"]) for n in range(number)])
    rule = shop.strategy({"channels": ["app"]}, {"channels": ["sms"], "condition": {"missing": "delivered", "within": 2}})
    template = shop.template(**APP, sms={"temp_id": 1})
    machine = next(m["stateMachineArn"] for m in aws.client("stepfunctions").list_state_machines()["stateMachines"])

    def executions() -> int:
        pages = aws.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machine)
        return sum(len(page["executions"]) for page in pages)

    before, begun = executions(), time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda n: shop.api.send([f"s{n}"], template, {"name": "Ann"}, rule_id=rule), range(number)))
    for msgid in sent[:: number // 10]:
        finished(shop, msgid, delivered=1)
    seconds = time.monotonic() - begun
    assert executions() - before <= seconds + 10  # one a second here, where the clock is a second wide


def _end_workers(stack: Mapping[str, Any], functions: tuple[str, ...]) -> int:
    """End the processes that run these functions, as a machine that fails would."""
    workers = requests.get(stack["emulator_url"] + "/_openums/workers", timeout=10).json()
    workers = workers["workers"] if isinstance(workers, dict) else workers
    pids = [w["pid"] for w in workers if any(w["function"].endswith(f) for f in functions)]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return len(pids)


def test_ended_workers_lose_nothing_and_repeat_nothing(shop: Shop, stack: Mapping[str, Any]) -> None:
    words = ("deliver", "silent", "deliver", "double")
    reg = {f"k{n}": f"{shop.mark}k{n}-{words[n % 4]}" for n in range(1000)}
    phones = {userid: f"137{n:04d}{shop.mark[:2].encode().hex()[:3]}1" for n, userid in enumerate(reg)}
    shop.upload([shop.user(userid, app=[contact], sms=phones[userid]) for userid, contact in reg.items()])
    rule = shop.strategy({"channels": ["app"]}, {"channels": ["sms"], "condition": {"missing": "delivered", "within": 4}})
    msgid = shop.api.send(list(reg), shop.template(**APP, sms={"temp_id": 1}), {"name": "Ann"}, rule_id=rule)
    ended = 0
    for _ in range(8):
        time.sleep(0.4)
        ended += _end_workers(stack, ("audience", "deliver_app", "deliver_sms", "tally", "sweep"))
    assert ended
    answer = finished(shop, msgid, SECONDS)
    sends = shop.sandbox.sends("jpush")
    assert {sends.get(contact, 0) for contact in reg.values()} == {1}
    texts = shop.sandbox.sends("jsms")
    assert max((texts.get(phone, 0) for phone in phones.values()), default=0) <= 1
    told, unknown = answer["funnel"]["channels"]["sms"], answer["losses"]["channels"]["sms"]
    sent = sum(texts.get(phone, 0) for phone in phones.values())
    assert answer["funnel"]["channels"]["app"]["submitted"] == 1000
    assert told["submitted"] <= sent <= told["submitted"] + sum(n for why, n in unknown.items() if why.startswith("unknown"))
    assert answer["funnel"]["users"]["planned"] == 1000


def test_recounting_from_scratch_gives_the_stored_counts(shop: Shop, stack: Mapping[str, Any], aws: Any) -> None:
    people = {f"r{n}": f"{shop.mark}r{n}" for n in range(150)}
    shop.upload([shop.user(userid, app=[contact]) for userid, contact in people.items()])
    msgid = shop.api.send(list(people), shop.template(**APP), {"name": "Ann"})
    finished(shop, msgid, delivered=150)
    time.sleep(14)  # the second of the delays after which a changed page is counted
    stored = [item for item in scan(aws, "messages") if item["pk"]["S"] == msgid and item["sk"]["S"].startswith("page#")]
    assert stored, "the stream brought no recount"
    command = [sys.executable, "-m", "infra.recount", msgid, "--name", STACK.name]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "'delivered': 150" in ended.stdout
    assert "as stored" in ended.stdout


def test_contacts_contents_and_secrets_are_written_down_nowhere(shop: Shop, stack: Mapping[str, Any], aws: Any) -> None:
    marks = {
        "app": f"MARKREG{shop.mark}",
        "sms": "13655550042",
        "email": f"markmail{shop.mark}@example.com",
        "text": f"MARKTEXT{shop.mark}",
    }
    shop.upload([shop.user("marked", app=[marks["app"] + "-silent"], sms=marks["sms"], email=marks["email"])])
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 1}},
        {"channels": ["email"], "condition": {"missing": "clicked", "within": 1}},
    )
    values = {"name": marks["text"], "url": f"https://shop.example/{marks['text']}"}
    finished(shop, shop.api.send(["marked"], shop.template(**APP, **SMS, **EMAIL), values, rule_id=rule))
    secrets = [shop.secret, stack["access_secret"], shop.channels["app"]["webhook_url"].rsplit("/", 1)[1]]
    searched = {"logs": (STACK.folder / "functions.log").read_text(errors="replace")}
    for table in ("settings", "users", "messages", "ledger", "lookups", "due"):
        searched[table] = str(scan(aws, table))
    machines = aws.client("stepfunctions").list_state_machines()["stateMachines"]
    for machine in machines:
        for execution in aws.client("stepfunctions").list_executions(stateMachineArn=machine["stateMachineArn"])["executions"][:50]:
            told = aws.client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
            searched["executions"] = searched.get("executions", "") + told["input"]
    for where, text in searched.items():
        found = [mark for mark in (*marks.values(), *secrets) if mark in text]
        assert not found, f"{where}: {found}"
