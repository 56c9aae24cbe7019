"""Gateways have ways of their own: ids, states, digests, limits, and channels of one account."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.facts import FactKind
from tests.builders import a_channel, an_access_channel
from tests.entrypoints.workers.office import ACCOUNT, CODE, DONE, Office, phone
from tests.liveness import eventually
from tests.providers.sandboxes import Sandbox

OTHER, SHOP_OF_OTHER = "cmpp2", "key2"
LOST = {FactKind.SUBMITTED, FactKind.DELIVERY_FAILED}


def resend(office: Office) -> None:
    """Bring the jobs that came back to the worker's queue, without their delay."""
    with office.worker.turn.taken():
        sent, office.fake.queues.sent[:] = list(office.fake.queues.sent), []
    office.queues[Priority.HIGH].waiting += [envelopes.encode(job.job) for job in sent]


def second_channel(office: Office, **options: Any) -> None:
    """Add a channel of the same account, with an access number of its own."""
    channel = office.fake.settings.channel(CODE)
    assert channel is not None
    office.fake.settings.put_channel(
        a_channel(
            OTHER,
            ChannelType.SMS,
            platform="cmpp",
            options={**channel.options, "access_number": "10690002", **options},
            sealed_credentials=channel.sealed_credentials,
            number=78,
        )
    )


@pytest.mark.parametrize("consecutive", [0, 1])
def test_reports_of_messages_to_the_same_people_find_their_own_message(
    sandbox: Sandbox, consecutive: int
) -> None:
    """A gateway that names a SUBMIT by one id gives the next one the id that was derived."""
    sandbox.register("cmpp", ACCOUNT, consecutive_ids=consecutive)
    people = [phone(n, "0006" if n % 3 else "1111") for n in range(8)]  # some reports come first
    with Office(sandbox, connections=2).open() as office:
        texts = ["hello", "你" * 200] * 6
        messages = [office.message(people, text, n + 1) for n, text in enumerate(texts)]
        for message in messages:
            office.send(message)
        for message in messages:
            eventually(lambda message=message: office.kinds(message) == [DONE] * len(people))


@pytest.mark.parametrize("connections", [1, 2])
def test_reports_of_two_channels_of_an_account_find_their_channel(
    sandbox: Sandbox, connections: int
) -> None:
    """With two connections, each channel gets the reports of the other."""
    sandbox.register("cmpp", ACCOUNT, other_connection=1)
    office = Office(sandbox)
    second_channel(office, connections=connections)
    with office.open():
        messages = [
            office.message([phone(n) for n in range(5)], number=1, code=CODE),
            office.message([phone(n) for n in range(5)], number=2, code=OTHER),
        ]
        for message in messages:
            office.send(message)
        for message in messages:
            eventually(lambda message=message: office.kinds(message) == [DONE] * 5)
        opened = sandbox.get("cmpp")["connections"][ACCOUNT]
        assert opened == {1: 1, 2: 3}[connections]  # the same line is shared


@pytest.mark.parametrize(
    ("to", "out"),
    [
        ("10690001", {CODE}),
        ("10690002", {OTHER}),
        ("1069000233", {OTHER}),
        ("10690", {CODE, OTHER}),
    ],
)
def test_a_reply_is_to_the_channel_whose_number_was_written_to(
    sandbox: Sandbox, to: str, out: set[str]
) -> None:
    office = Office(sandbox)
    second_channel(office)
    keys = {CODE: "key1", OTHER: SHOP_OF_OTHER}
    for code, key in keys.items():
        office.fake.settings.put_access_channel(an_access_channel(key, channels=frozenset({code})))
    with office.open():
        eventually(lambda: OTHER in office.worker.shared.channels)
        reply = {"account": ACCOUNT, "from": phone(1), "text": "TD", "to": to}
        sandbox.ask("POST", "/_sandbox/cmpp/reply", json=reply)
        eventually(lambda: sandbox.get("cmpp")["acknowledged"])
    stored = office.fake.audiences.opt_outs({ChannelType.SMS: [phone(1)]})[ChannelType.SMS]
    assert set(stored[phone(1)]) == {keys[code] for code in out}


@pytest.mark.parametrize("state", ["BLACK", "NOROUTE"])
def test_a_state_of_the_gateways_own_is_the_end_of_a_delivery(sandbox: Sandbox, state: str) -> None:
    sandbox.register("cmpp", ACCOUNT, failure=state)
    with Office(sandbox).open() as office:
        message = office.message([phone(1, "0002"), phone(2)])
        office.send(message)
        eventually(lambda: office.kinds(message) == [LOST, DONE])


def test_a_report_without_a_number_is_of_the_message_with_its_id(sandbox: Sandbox) -> None:
    sandbox.register("cmpp", ACCOUNT, nameless_reports=1, receipt_delay=0.1)
    with Office(sandbox, numbers_per_submit=1).open() as office:
        message = office.message([phone(n) for n in range(3)])
        office.send(message)
        eventually(lambda: office.kinds(message) == [DONE] * 3)


@pytest.mark.parametrize("version", ["2.0", "3.0"])
@pytest.mark.parametrize("size", [1, 4])
def test_a_gateway_proves_itself_over_either_size_of_status(
    sandbox: Sandbox, version: str, size: int
) -> None:
    sandbox.register("cmpp", ACCOUNT, status_bytes=size, master_secret="secret")
    with Office(sandbox, version=version).open():
        pass


def test_a_gateway_that_takes_small_groups_gets_small_groups(sandbox: Sandbox) -> None:
    sandbox.register("cmpp", ACCOUNT, largest_group=3)
    with Office(sandbox).open() as office:
        message = office.message([phone(n) for n in range(10)])
        office.send(message)

        def is_done() -> bool:
            resend(office)
            return office.kinds(message) == [DONE] * 10

        eventually(is_done)
        assert all(sandbox.sends(phone(n)) == 1 for n in range(10))


def test_one_bad_number_of_a_group_keeps_nobody_else_from_the_message(sandbox: Sandbox) -> None:
    numbers = [phone(n, "0001" if n == 3 else "1111") for n in range(10)]
    with Office(sandbox).open() as office:
        message = office.message(numbers)
        office.send(message)
        kinds = [{FactKind.INVALID_TARGET} if n == 3 else DONE for n in range(10)]

        def is_done() -> bool:
            resend(office)
            return office.kinds(message) == kinds

        eventually(is_done)
        assert [sandbox.sends(number) for number in numbers] == [int(n != 3) for n in range(10)]
