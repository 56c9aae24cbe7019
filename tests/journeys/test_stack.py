"""Promises of the deployment as a whole: calls, executions, ended workers, and stored values."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from chalicelib import config
from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.jobs import DeliverJob, PlanJob, Timer, TimerKind, TimersJob
from chalicelib.domain.plans import ChunkId
from infra.demo.client import Shop
from tests.journeys.conftest import STACK, eventually, finished, scan
from tests.journeys.test_channels import APP
from tests.liveness import PATIENCE

pytestmark = pytest.mark.alone


def _counts(stack: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(
        stack["emulator_url"] + "/_openums/counts", timeout=10
    ).json()
    return found


def _forget_counts(stack: Mapping[str, Any]) -> None:
    requests.delete(stack["emulator_url"] + "/_openums/counts", timeout=10)


def test_accepting_takes_at_most_three_aws_calls(shop: Shop, stack: Mapping[str, Any]) -> None:
    people = [f"a{n}" for n in range(100)]
    shop.upload(
        [shop.user(userid, app=[f"{shop.mark}{userid}-silent"]) for userid in people]
    )  # no receipts: they are calls too
    template = shop.template(**APP)

    def calls() -> int:
        shop.api.send(people, template, {"name": "Ann"})  # settings are cached for a second here
        _forget_counts(stack)
        shop.api.send(people, template, {"name": "Ann"})
        api = _counts(stack)["by_caller"]["api"]
        return sum(n for service in api.values() for n in service.values())

    # On a busy machine, a second may pass between the two sends.
    assert eventually(calls, lambda number: number <= 3) > 1


def test_one_execution_serves_all_that_is_due_in_a_slot(
    shop: Shop, stack: Mapping[str, Any], aws: Any
) -> None:
    number = 200
    shop.upload([shop.user(f"s{n}", app=[f"{shop.mark}s{n}"]) for n in range(number)])
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 2}},
    )
    template = shop.template(**APP, sms={"temp_id": 1})
    machine = next(
        m["stateMachineArn"]
        for m in aws.client("stepfunctions").list_state_machines()["stateMachines"]
    )

    def executions() -> list[str]:
        pages = (
            aws.client("stepfunctions")
            .get_paginator("list_executions")
            .paginate(stateMachineArn=machine)
        )
        return [execution["name"] for page in pages for execution in page["executions"]]

    before = executions()
    with ThreadPoolExecutor(4) as pool:
        sent = list(
            pool.map(
                lambda n: shop.api.send([f"s{n}"], template, {"name": "Ann"}, rule_id=rule),
                range(number),
            )
        )
    for msgid in sent[:: number // 10]:
        finished(shop, msgid, delivered=1)
    started = set(executions()) - set(before)
    assert {name for name in started if not name.startswith("tick-")} == set()
    assert 0 < len(started) < number, "not one for each message"


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


def test_ended_workers_lose_nothing_and_repeat_nothing(
    shop: Shop, stack: Mapping[str, Any]
) -> None:
    words = ("deliver", "silent", "deliver", "double")
    reg = {f"k{n}": f"{shop.mark}k{n}-{words[n % 4]}" for n in range(1000)}
    phones = {
        userid: f"1{int(shop.mark, 16) % 1_000_000:06d}{n:04d}1000" for n, userid in enumerate(reg)
    }
    shop.upload(
        [shop.user(userid, app=[contact], sms=phones[userid]) for userid, contact in reg.items()]
    )
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 4}},
    )
    msgid = shop.api.send(
        list(reg), shop.template(**APP, sms={"temp_id": 1}), {"name": "Ann"}, rule_id=rule
    )
    ended = 0
    for _ in range(8):
        time.sleep(0.4)
        ended += _end_workers(
            stack, ("api", "chunks", "deliver_app", "deliver_sms", "tally", "sweep")
        )
    assert ended >= 8
    reached = sum(not contact.endswith("silent") for contact in reg.values())
    # Posts that met an ended worker come again: the provider was not told that they were taken.
    eventually(
        lambda: shop.api.message(msgid)["funnel"]["channels"].get("app", {}).get("delivered"),
        lambda n: n == reached,
    )
    answer = finished(shop, msgid)
    sends = shop.sandbox.sends("jpush")
    assert {sends.get(contact, 0) for contact in reg.values()} == {1}
    texts = shop.sandbox.sends("jsms")
    assert max((texts.get(phone, 0) for phone in phones.values()), default=0) <= 1
    told, unknown = answer["funnel"]["channels"]["sms"], answer["losses"]["channels"]["sms"]
    sent = sum(texts.get(phone, 0) for phone in phones.values())
    assert answer["funnel"]["channels"]["app"]["submitted"] == 1000
    assert (
        told["submitted"]
        <= sent
        <= told["submitted"] + sum(n for why, n in unknown.items() if why.startswith("unknown"))
    )
    assert answer["funnel"]["users"]["planned"] == 1000


def _send_again(aws: Any, shop: Shop, msgid: str, kinds: tuple[str, ...]) -> int:
    """Every job that a message has had so far, once more, as a queue may do at any time."""
    lists = [(0, 0)]
    for item in scan(aws, "ledger"):
        if item["pk"]["S"].startswith(msgid) and item["sk"]["S"].startswith("go#"):
            lists.append(tuple(int(part) for part in item["sk"]["S"].split("#")[1:3]))
    at = ChunkId(msgid, 0)
    look = TimersJob((Timer(int(time.time() * 1000), TimerKind.CHECK, at, Priority.MEDIUM),))
    jobs: list[tuple[str, Any]] = [
        (config.chunks_queue(Priority.MEDIUM), job) for job in (PlanJob(msgid, 0), look)
    ]
    for step, number in lists:
        queue = config.delivery_queue(ChannelType(kinds[step]), Priority.MEDIUM)
        jobs.append((queue, DeliverJob(msgid, 0, step, number, shop.code(kinds[step]), 0, 1000)))
    sqs = aws.client("sqs")
    for queue, job in jobs:
        url = sqs.get_queue_url(QueueName=config.queue_name(STACK.stage, queue))["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=envelopes.encode(job), MessageGroupId=shop.key)
    return len(jobs)


def test_jobs_that_are_delivered_again_and_again_change_nothing(shop: Shop, aws: Any) -> None:
    kinds = ("app", "sms", "email")
    people = {
        f"j{n}": (f"{shop.mark}j{n}-{'silent' if n % 2 else 'deliver'}", n) for n in range(60)
    }
    phones = {
        u: f"1{int(shop.mark, 16) % 1_000_000:06d}{n:03d}{'0001' if n % 4 == 1 else '0003'}"
        for u, (_, n) in people.items()
    }
    mails = {u: f"{shop.mark}.{u}@example.com" for u in people}
    shop.upload(
        [
            shop.user(u, app=[contact], sms=phones[u], email=mails[u])
            for u, (contact, _) in people.items()
        ]
    )
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 20}},
        {"channels": ["email"], "condition": {"missing": "delivered", "within": 1}},
    )
    contents = {"app": APP["app"], "sms": {"temp_id": 1}, "email": {"subject": "s", "text": "t"}}
    msgid = shop.api.send(list(people), shop.template(**contents), {"name": "Ann"}, rule_id=rule)
    again = 0
    while shop.api.message(msgid)["status"] != "finished":
        again += _send_again(aws, shop, msgid, kinds)
        time.sleep(0.3)
        assert again < 2000, "the message does not end"
    again += _send_again(aws, shop, msgid, kinds)
    answer = eventually(
        lambda: shop.api.message(msgid), lambda found: found["funnel"]["users"]["delivered"] == 60
    )
    assert again > 20
    time.sleep(2)  # for the last repeated job
    assert shop.api.message(msgid)["funnel"] == answer["funnel"]
    assert answer["balanced"]
    assert [answer["funnel"]["channels"][kind]["submitted"] for kind in kinds] == [60, 15, 30]
    sends = {
        kind: shop.sandbox.sends(provider)
        for kind, provider in (("app", "jpush"), ("sms", "jsms"), ("email", "smtp"))
    }
    assert {sends["app"].get(contact, 0) for contact, _ in people.values()} == {1}
    assert [sends["sms"].get(phones[u], 0) for u in people] == [
        int(n % 4 == 3) for _, n in people.values()
    ]
    assert [sends["email"].get(mails[u], 0) for u in people] == [n % 2 for _, n in people.values()]


def test_recounting_from_scratch_gives_the_stored_counts(
    shop: Shop, stack: Mapping[str, Any], aws: Any
) -> None:
    people = {f"r{n}": f"{shop.mark}r{n}" for n in range(150)}
    shop.upload([shop.user(userid, app=[contact]) for userid, contact in people.items()])
    msgid = shop.api.send(list(people), shop.template(**APP), {"name": "Ann"})
    finished(shop, msgid, delivered=150)
    counted = eventually(  # after the first of the delays of a changed chunk
        lambda: [
            item
            for item in scan(aws, "messages")
            if item["pk"]["S"] == msgid and item["sk"]["S"].startswith("chunk#")
        ]
    )
    assert len(counted) == 1
    command = [sys.executable, "-m", "infra.recount", msgid, "--name", STACK.name]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 0, ended.stderr
    assert "'delivered': 150" in ended.stdout
    assert "as stored" in ended.stdout
