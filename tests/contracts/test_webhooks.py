"""Cost of a post of a hundred receipts: few requests, so that its answer takes a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.flow import receipts
from chalicelib.ports import Lookup, World
from tests.builders import a_plan, a_user, at_once
from tests.contracts import faults
from tests.contracts.conftest import a_message, put_lookups, read, real_container

COUNT = 100


@pytest.fixture
def sent(real: World, unique: str) -> tuple[str, list[str]]:
    """The delivery channel and the users of a message whose submission is recorded."""
    users = [a_user(f"{unique}-{n}", text=f"139{n:04d}{unique}") for n in range(COUNT)]
    real.users.save(users)
    channels = {"channels": {unique: ChannelType.SMS}, "call_sizes": {unique: 1000}}
    message = a_message(*(user.userid for user in users), strategy=at_once("sms"), **channels)
    plan = a_plan(message, users=users)
    real.messages.create(message, plan, _timer(message))
    put_lookups(
        real,
        unique,
        {f"{unique}-{n}": Lookup(plan.id, (n, 0)) for n in range(COUNT)},
        message.expires,
    )
    return unique, [user.userid for user in users]


def _timer(message: Any) -> Any:
    from chalicelib.domain.jobs import Timer, TimerKind
    from chalicelib.domain.plans import ChunkId

    return Timer(
        message.accepted + 600_000, TimerKind.CHECK, ChunkId(message.msgid, 0), message.priority
    )


def _post(code: str, **changes: Any) -> list[Receipt]:
    return [
        Receipt(
            f"{code}-{n}", ReceiptKind.DELIVERY_FAILED, 1_700_000_000_000, "", "4004", **changes
        )
        for n in range(COUNT)
    ]


@pytest.mark.parametrize("undeliverable", [False, True])
def test_a_post_of_a_hundred_receipts_takes_few_requests(
    real: World, aws: Callable[[str], Any], sent: tuple[str, list[str]], undeliverable: bool
) -> None:
    code, userids = sent
    with faults.counted(aws("dynamodb")) as calls:
        receipts.record(real, code, _post(code, undeliverable=undeliverable))
    assert len(calls) <= (6 if undeliverable else 4), calls
    marked = [
        user for user in real.users.get(userids).values() if user.undeliverable.get(ChannelType.SMS)
    ]
    assert len(marked) == (COUNT if undeliverable else 0)


def test_a_receipt_by_call_and_contact_takes_one_request_where_the_chunk_is_known(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    phones = [f"138{n:08d}" for n in range(3)]
    users = [a_user(f"{unique}-{n}", text=phone) for n, phone in enumerate(phones)]
    channels = {"channels": {unique: ChannelType.SMS}, "call_sizes": {unique: 1000}}
    message = a_message(*(user.userid for user in users), strategy=at_once("sms"), **channels)
    plan = a_plan(message, users=users)
    real.messages.create(message, plan, _timer(message))
    of_call = Lookup(plan.id, retention=message.retention)
    put_lookups(real, unique, {unique: of_call}, message.expires)
    world = real_container()
    world.vault.seal(b"", "warm")  # reads the data key
    with faults.counted(aws("dynamodb")) as calls:
        for time, phone in enumerate(phones):
            receipts.record(
                world, unique, [Receipt(unique, ReceiptKind.DELIVERED, 1 + time, phone)]
            )
    assert calls == ["BatchGetItem"] * 3 + ["PutItem"] * 3  # lookup, message and plan once
    facts = read(real, plan.id).reported
    assert {fact.ref.target for fact in facts} == {0, 1, 2}
