"""Delivery channels that share an account, or leave it, without a gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Account
from chalicelib.entrypoints.workers.cmpp import Worker
from chalicelib.ports import Lookup
from chalicelib.providers.sms.cmpp import codec
from chalicelib.providers.sms.cmpp.gateway import Gateway
from chalicelib.providers.sms.cmpp.lines import Incoming
from chalicelib.providers.sms.cmpp.messages import Deliver, Report
from chalicelib.providers.sms.cmpp.provider import Cmpp
from chalicelib.providers.sms.cmpp.receipts import name
from chalicelib.web.egress import Policy
from tests.builders import a_channel, a_message, a_plan, a_user, an_access_channel, at_once
from tests.entrypoints.workers.office import CODE, PAUSES, phone
from tests.fakes.world import FakeWorld

OTHER = "cmpp2"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Ask for nothing of a sandbox, which the other tests of this folder clear."""


def account(code: str, login: str = "900001", **options: Any) -> Account:
    where = {"server": "127.0.0.1", "access_number": "10690001"}
    return Account(code, {"account": login, "password": "secret"}, {**where, **options})


@contextmanager
def a_worker(fake: FakeWorld) -> Iterator[Worker]:
    """Yield a worker whose connections never open, since its policy forbids their address."""
    worker = Worker(fake.ports, Cmpp(Policy()), {}, 0.01, PAUSES)
    try:
        yield worker
    finally:
        worker.shared.stop()


def a_submission(fake: FakeWorld, code: str, id: int) -> ChunkId:
    """Record the submission of a message to one number, under the gateway's id."""
    message = a_message(
        "ann", strategy=at_once("sms"), channels={code: ChannelType.SMS}, call_sizes={code: 1}
    )
    fake.messages.has(message)
    chunk = fake.ledger.put_plan(a_plan(message, users=[a_user("ann", text=phone(1))]), message).id
    fake.lookups.has(code, {name(id, phone(1)): Lookup(chunk, (0, 0))})
    return chunk


def a_report(
    gateway: Gateway, id: int, answer: Callable[[int], None], stat: str = "DELIVRD"
) -> Incoming:
    content = codec.encode_report(Report(id, stat, "2611300000", "2611300000", phone(1)), 60)
    deliver = Deliver(id=1, to="10690001", number=phone(1), content=content, is_report=True)
    return Incoming(gateway.line.account, deliver, answer, gateway.group_ids)


def test_connections_of_an_account_know_of_each_others_submits() -> None:
    """Reports come on any of them. Else a told id would be taken for one that was derived."""
    with a_worker(FakeWorld()) as worker:
        one = worker.shared.keep(account(CODE))
        two = worker.shared.keep(account(OTHER, connections=2))
        stranger = worker.shared.keep(account("cmpp3", "900002"))
        one.group_ids.note(7, [phone(1)])
        known = [gateway.group_ids.only_number(7) for gateway in (one, two, stranger)]
        assert known == [phone(1), phone(1), ""]
        later = worker.shared.keep(account(CODE, window=3))
        assert later is not one
        assert later.group_ids.only_number(7) == phone(1)


@pytest.mark.parametrize("is_shared", [False, True])
@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_report_finds_a_channel_that_has_left_its_account(
    is_deleted: bool, is_shared: bool
) -> None:
    """An operator has deleted the channel, or given it another account."""
    fake = FakeWorld()
    for n, code in enumerate((CODE, OTHER)):
        fake.settings.put_channel(a_channel(code, ChannelType.SMS, platform="cmpp", number=n + 1))
    chunk = a_submission(fake, CODE, 7)
    answers: list[int] = []
    with a_worker(fake) as worker:
        gateway = worker.shared.keep(account(CODE))
        if is_shared:
            worker.shared.keep(account(OTHER))
        if is_deleted:
            worker.shared.drop(CODE)
        else:
            worker.shared.keep(account(CODE, "900002"))
        assert worker._record([a_report(gateway, 7, answers.append)])
    stored = fake.ledger.chunk(chunk)
    assert stored is not None
    assert [fact.kind for fact in stored.reported] == [FactKind.DELIVERED]
    assert answers == [0]


@pytest.mark.parametrize(
    ("to", "left", "out"),
    [
        ("10690001", "moved", {CODE}),
        ("10690002", "moved", {OTHER}),
        ("10690001", "deleted", {OTHER}),
    ],
)
def test_a_reply_to_a_channel_that_has_left_its_account_is_to_nobody_else(
    to: str, left: str, out: set[str]
) -> None:
    """Connections of another channel bring it. A deleted channel has no number any more."""
    fake = FakeWorld()
    for n, code in enumerate((CODE, OTHER)):
        fake.settings.put_channel(a_channel(code, ChannelType.SMS, platform="cmpp", number=n + 1))
        fake.settings.put_access_channel(an_access_channel(code, channels=frozenset({code})))
    with a_worker(fake) as worker:
        gateway = worker.shared.keep(account(CODE))
        worker.shared.keep(account(OTHER, access_number="10690002"))
        if left == "moved":
            worker.shared.keep(account(CODE, "900002"))
        else:
            worker.shared.drop(CODE)
        reply = Deliver(id=1, to=to, number=phone(1), content=b"TD")
        account_, ids = gateway.line.account, gateway.group_ids
        assert worker._record([Incoming(account_, reply, lambda result: None, ids)])
    stored = fake.audiences.opt_outs({ChannelType.SMS: [phone(1)]})[ChannelType.SMS]
    assert set(stored[phone(1)]) == out


@pytest.mark.parametrize("is_deleted", [False, True])
def test_states_that_a_deleted_channel_took_for_dead_numbers_end_with_it(is_deleted: bool) -> None:
    fake = FakeWorld()
    fake.settings.put_channel(a_channel(OTHER, ChannelType.SMS, platform="cmpp", number=1))
    fake.users.has(a_user("ann", text=phone(1)))
    a_submission(fake, OTHER, 7)
    with a_worker(fake) as worker:
        worker.shared.keep(account(CODE, dead_stats=["UNDELIV"]))
        gateway = worker.shared.keep(account(OTHER))
        if is_deleted:
            worker.shared.drop(CODE)
        assert worker._record([a_report(gateway, 7, lambda result: None, "UNDELIV")])
    (ann,) = fake.users.get(["ann"]).values()
    assert bool(ann.undeliverable) is not is_deleted
