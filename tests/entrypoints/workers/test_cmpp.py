"""The worker over the sandbox's gateway and a world in memory: from the queue to the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import envelopes, keys
from chalicelib.domain.delivery_channels import (
    DELIVERY_CHANNELS,
    ChannelType,
    OnUncertain,
    Priority,
)
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import Query, QueryJob
from chalicelib.entrypoints.workers.cmpp import THREADS
from chalicelib.entrypoints.workers.cmpp_connections import Turn
from chalicelib.flow import provider_query
from chalicelib.flow.delivery import permits
from tests.entrypoints.workers.office import ACCOUNT, CODE, DONE, Office, phone
from tests.liveness import GIVES_UP, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox


@pytest.mark.parametrize("options", [{"version": "2.0"}, {"version": "3.0", "connections": 3}])
@pytest.mark.parametrize(
    "account",
    [
        {},
        {"consecutive_ids": 1},
        {"report_bytes": 60},
        {"report_bytes": 71},
        {"other_connection": 1},
    ],
)
def test_a_job_becomes_a_submit_and_its_reports_facts(
    sandbox: Sandbox, options: dict[str, Any], account: dict[str, int]
) -> None:
    sandbox.register("cmpp", ACCOUNT, **account)
    with Office(sandbox, **options).open() as office:
        message = office.message([phone(n) for n in range(30)])
        office.send(message)
        eventually(lambda: office.kinds(message) == [DONE] * 30)
        assert sum(office.sandbox.get("sends", provider="cmpp").values()) == 30
        eventually(lambda: office.queues[Priority.HIGH].done_)
        eventually(lambda: sandbox.get("cmpp")["acknowledged"] == 30)


@pytest.mark.parametrize("digits", ["1111", "0006"])
def test_a_long_message_is_delivered_when_all_its_parts_are(sandbox: Sandbox, digits: str) -> None:
    """`0006`: the reports come before the answers, and again."""
    with Office(sandbox, version="3.0").open() as office:
        message = office.message([phone(1, digits), phone(2, digits)], "你" * 200)
        office.send(message)
        eventually(lambda: office.kinds(message) == [DONE] * 2)


@pytest.mark.parametrize(
    ("digits", "kinds"),
    [
        ("0001", {FactKind.INVALID_TARGET}),
        ("0002", {FactKind.SUBMITTED, FactKind.DELIVERY_FAILED}),
        ("0003", {FactKind.SUBMITTED}),
        ("0004", DONE),
        ("0006", DONE),
        ("0007", {FactKind.UNKNOWN}),
    ],
)
def test_what_a_gateway_does_with_a_number_is_told_of_its_delivery(
    sandbox: Sandbox, digits: str, kinds: set[FactKind]
) -> None:
    timeout = GIVES_UP if FactKind.UNKNOWN in kinds else PATIENCE
    with Office(sandbox, timeout, connections=2).open() as office:
        message = office.message([phone(5, digits)])
        office.send(message)
        eventually(lambda: office.kinds(message) == [kinds])


def test_what_is_throttled_comes_back_by_the_workers_own_queue(sandbox: Sandbox) -> None:
    with Office(sandbox).open() as office:
        message = office.message([phone(6, "0008")])
        office.send(message)
        (again,) = eventually(lambda: office.fake.queues.sent)
        assert (again.worker, again.channel_type) == ("cmpp", ChannelType.SMS)
        office.queues[Priority.HIGH].waiting.append(envelopes.encode(again.job))
        eventually(lambda: office.kinds(message) == [DONE])


def test_a_question_of_the_api_is_answered_over_the_open_connections(sandbox: Sandbox) -> None:
    with Office(sandbox).open() as office:
        office.queues[Priority.HIGH].waiting.append(
            envelopes.encode(QueryJob(CODE, Query.CHECK, "a" * 32))
        )
        eventually(lambda: len(office.queues[Priority.HIGH].done_) == 1)
        assert provider_query.result(office.fake.ports, "a" * 32) == provider_query.QueryResult()


def test_an_operator_may_have_calls_without_an_answer_sent_again(sandbox: Sandbox) -> None:
    with Office(sandbox, GIVES_UP).open() as office:
        with office.worker.turn.taken():
            stored = office.fake.records.of(DELIVERY_CHANNELS).stored[CODE]
            object.__setattr__(stored, "on_uncertain", OnUncertain.RESEND)
        message = office.message([phone(12, "0007")])
        office.send(message)
        (again,) = eventually(lambda: office.fake.queues.sent)
        office.queues[Priority.HIGH].waiting.append(envelopes.encode(again.job))
        eventually(lambda: any(kinds >= DONE for kinds in office.kinds(message)))
        assert sandbox.sends(phone(12, "0007")) == 2


def test_whoever_waits_for_a_gateway_lets_others_work() -> None:
    turn, order = Turn(), []

    def other() -> None:
        with turn.taken():
            order.append("other")

    with turn.taken():
        thread = threading.Thread(target=other)
        thread.start()
        with turn.away():
            _until(lambda: order == ["other"])
        order.append("back")
    thread.join()
    assert order == ["other", "back"]


def test_a_slow_gateway_of_one_tenant_leaves_threads_to_others(sandbox: Sandbox) -> None:
    office = Office(sandbox)
    world, message = office.worker.world, office.message([phone(13)])
    channel, urgent = world.settings.channel(CODE), replace(message, priority=Priority.HIGH)
    assert channel is not None
    world.slowness.keep(keys.join(CODE, message.channel_key), world.clock.now())
    with ExitStack() as held:
        jobs = [permits.of_channel(world, urgent, channel) for _ in range(THREADS[Priority.HIGH])]
        at_work = [seconds for seconds in map(held.enter_context, jobs) if seconds]
    assert len(at_work) == 1


def _until(true: Callable[[], bool]) -> None:
    eventually(true)
