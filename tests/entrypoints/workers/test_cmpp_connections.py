"""Connections and queues of the CMPP worker, when they break, change or stop."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import (
    DELIVERY_CHANNELS,
    ChannelType,
    Priority,
)
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import DeliverJob, PollJob
from chalicelib.domain.provider_io import Account
from chalicelib.entrypoints.workers import cmpp
from tests.builders import a_channel
from tests.entrypoints.workers.office import ACCOUNT, CODE, DONE, Office, phone
from tests.liveness import eventually
from tests.providers.sandboxes import Sandbox


def test_connections_that_are_cut_come_back_and_nothing_is_lost(sandbox: Sandbox) -> None:
    """A report that was not answered comes again on the new connection."""
    with Office(sandbox, connections=2).open() as office:
        message = office.message([phone(n, "0004") for n in range(10)])  # reported a second later
        office.send(message)
        eventually(lambda: office.queues[Priority.HIGH].done_)
        assert (
            sandbox.ask("POST", "/_sandbox/cmpp/cut", json={"account": ACCOUNT}).json()["cut"] >= 1
        )
        eventually(lambda: office.kinds(message) == [DONE] * 10)


def test_reports_are_answered_only_when_they_are_stored(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Office(sandbox).open() as office:
        failures: list[Any] = []
        broken = [True]
        add_all = office.fake.ledger.add_all

        def add(bundles: Any) -> None:
            if broken[0]:
                failures.append(bundles)
                raise OSError("no ledger")
            add_all(bundles)

        monkeypatch.setattr(office.fake.ledger, "add_all", add)
        message = office.message([phone(7)])
        office.send(message)
        eventually(lambda: office.kinds(message) == [{FactKind.SUBMITTED}])
        eventually(lambda: len(failures) >= 2)
        assert sandbox.get("cmpp")["acknowledged"] == 0
        broken[0] = False
        eventually(lambda: office.kinds(message) == [DONE])
        eventually(lambda: sandbox.get("cmpp")["acknowledged"] == 1)


def test_a_worker_that_is_stopped_finishes_what_it_has_in_hand_and_says_goodbye(
    sandbox: Sandbox,
) -> None:
    sandbox.register("cmpp", ACCOUNT, answer_delay=0.5)
    office = Office(sandbox)
    message, queue = office.message([phone(8)]), office.queues[Priority.HIGH]
    with office.open():
        office.send(message)
        eventually(lambda: queue.held or queue.done_)
    assert queue.done_
    assert FactKind.SUBMITTED in office.kinds(message)[0]
    assert sandbox.get("cmpp")["connections"] == {}


def test_small_jobs_do_not_wait_for_big_ones(sandbox: Sandbox) -> None:
    with Office(sandbox).open() as office:
        low, threads = office.queues[Priority.LOW], cmpp.THREADS[Priority.LOW]
        for n in range(threads):  # of numbers that are never answered
            office.send(office.message([phone(100 + n, "0007")], number=10 + n), Priority.LOW)
        eventually(lambda: len(low.held) == threads)
        urgent = office.message([phone(9)], number=2)
        office.send(urgent)
        eventually(lambda: FactKind.SUBMITTED in (office.kinds(urgent) or [set()])[0])
        assert len(low.held) == threads
        eventually(lambda: all(sandbox.outcomes(phone(100 + n, "0007")) for n in range(threads)))
        sandbox.ask("POST", "/_sandbox/cmpp/cut", json={"account": ACCOUNT})


def test_a_new_channel_is_connected_to_without_a_restart(sandbox: Sandbox) -> None:
    sandbox.register("cmpp", "900002")
    with Office(sandbox).open() as office:
        where = {
            "server": "127.0.0.1",
            "port": sandbox.about["cmpp_port"],
            "access_number": "10690002",
        }
        sealed = office.fake.credentials.seal_credentials(
            {"account": "900002", "password": "secret"}
        )
        with office.worker.turn.taken():
            office.fake.settings.put_channel(
                a_channel(
                    "cmpp2",
                    ChannelType.SMS,
                    platform="cmpp",
                    options=where,
                    sealed_credentials=sealed,
                    number=77,
                )
            )
        eventually(lambda: sandbox.get("cmpp")["connections"].get("900002") == 1)


def test_settings_that_a_job_still_knew_do_not_stay(sandbox: Sandbox) -> None:
    """A job may hold old settings of the channel. The next read of the settings corrects that."""
    office = Office(sandbox, timeout=0.2)
    worker = office.worker
    old = office.fake.settings.channel(CODE)
    assert old is not None
    new = replace(old, options={**old.options, "access_number": "10690002"}, version=2)
    office.fake.settings.update_channel(old, new)
    login = office.fake.credentials.open_credentials(old.sealed_credentials)
    worker._refresh()
    worker.shared.keep(Account(CODE, login, old.options))
    worker._refresh()
    assert worker.shared.channels[CODE].access_number == "10690002"
    worker.shared.stop()


def test_a_channel_that_was_deleted_is_left(sandbox: Sandbox) -> None:
    with Office(sandbox, timeout=0.5).open() as office:
        with office.worker.turn.taken():
            del office.fake.records.of(DELIVERY_CHANNELS).stored[CODE]
        eventually(lambda: sandbox.get("cmpp")["connections"] == {})


def test_a_channel_that_cannot_be_opened_keeps_no_other_from_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(sandbox)
    office.fake.settings.put_channel(
        a_channel(
            "aaa",
            ChannelType.SMS,
            platform="cmpp",
            options={},
            sealed_credentials="not sealed by us",
            number=77,
        )
    )
    with office.open():
        assert sandbox.get("cmpp")["connections"] == {ACCOUNT: 1}


def test_a_report_that_comes_when_the_worker_stops_is_told_to_the_next_one(
    sandbox: Sandbox,
) -> None:
    """The first worker's reader has ended before its connections, so that it stores nothing."""
    office = Office(sandbox)
    message = office.message([phone(14)])
    with office.open():
        office.worker.incoming.put(None)
        eventually(office.worker.incoming.empty)
        office.send(message)
        eventually(lambda: FactKind.SUBMITTED in (office.kinds(message) or [set()])[0])
        eventually(lambda: not office.worker.incoming.empty())
    assert office.kinds(message) == [{FactKind.SUBMITTED}]
    assert sandbox.get("cmpp")["acknowledged"] == 0
    office.worker = office.hire()
    with office.open():
        eventually(lambda: office.kinds(message) == [DONE])
        eventually(lambda: sandbox.get("cmpp")["acknowledged"] == 1)


def test_replies_are_given_to_the_flow_and_answered(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(
        cmpp.receipts,
        "record_replies",
        lambda world, code, replies: seen.extend((code, r.contact, r.text) for r in replies),
    )
    with Office(sandbox).open():
        sandbox.ask(
            "POST",
            "/_sandbox/cmpp/reply",
            json={"account": ACCOUNT, "from": phone(1), "text": "退订"},
        )
        eventually(lambda: seen == [(CODE, phone(1), "退订")])
        eventually(lambda: sandbox.get("cmpp")["acknowledged"] == 1)


def test_what_is_no_job_of_this_worker_stays_in_the_queue(sandbox: Sandbox) -> None:
    with Office(sandbox).open() as office:
        queue = office.queues[Priority.MEDIUM]
        queue.waiting += [
            "{",
            envelopes.encode(PollJob(CODE)),
            envelopes.encode(DeliverJob("m" * 16, 0, 0, 0, CODE, 0, 1)),
        ]
        eventually(
            lambda: len(queue.held) == 2 and len(queue.done_) == 1
        )  # of a message that is gone, nothing is left to do


def test_a_queue_that_breaks_is_asked_again(sandbox: Sandbox) -> None:
    office = Office(sandbox)
    office.queues[Priority.HIGH].breaks = 10
    message = office.message([phone(11)])
    with office.open():
        office.send(message)
        eventually(lambda: office.kinds(message) == [DONE])
