"""Settings and their administration: what is written is read, nothing is taken twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.tables import table
from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.delivery_channels import (
    DELIVERY_CHANNELS,
    ChannelType,
    OnUncertain,
    ReceiptMode,
)
from chalicelib.domain.errors import Conflict
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.domain.strategies import STRATEGIES, Strategy, StrategyEntry
from chalicelib.ports import World
from tests.builders import a_channel, a_strategy, a_template, an_access_channel
from tests.contracts import faults
from tests.contracts.conftest import Container, real_container


def test_an_access_channel_is_read_as_it_was_put(container: Container, unique: str) -> None:
    channel = an_access_channel(unique, secret_hashes=("h1", "h2"), channels=(), enabled=False)
    container().records.of(ACCESS_CHANNELS).put(channel)
    assert container().settings.access_channel(unique) == channel
    assert channel in container().records.of(ACCESS_CHANNELS).list()


def test_a_delivery_channel_is_read_as_it_was_put(container: Container, unique: str) -> None:
    channel = a_channel(
        unique,
        ChannelType.EMAIL,
        name=f"邮件 {unique}",
        number=12,
        on_uncertain=OnUncertain.RESEND,
        receipts=ReceiptMode.POLL,
        options={"server": "mail.example.com", "port": 465, "nested": {"a": [1, None, True]}},
    )
    container().records.of(DELIVERY_CHANNELS).put(channel)
    assert container().settings.channel(unique) == channel
    assert channel in container().settings.channels()


def test_what_does_not_exist_is_none(world: World, unique: str) -> None:
    assert world.settings.access_channel(unique) is None
    assert world.settings.channel(unique) is None
    assert world.settings.template(987654) is None
    assert world.settings.strategy(987654) is None
    assert world.records.of(STRATEGIES).get(987654) is None
    assert world.records.of(MEMBERS).get(unique) is None
    assert world.templates.list(unique) == []
    assert world.records.of(STRATEGIES).list(unique) == []


def test_a_key_a_code_and_a_name_are_taken_once(container: Container, unique: str) -> None:
    world = container()
    first, channel = an_access_channel(unique), a_channel(unique, ChannelType.SMS)
    world.records.of(ACCESS_CHANNELS).put(first)
    world.records.of(DELIVERY_CHANNELS).put(channel)
    for taken in (replace(first, name=f"{unique} new"), replace(first, key=f"{unique}2")):
        with pytest.raises(Conflict):
            container().records.of(ACCESS_CHANNELS).put(taken)
    for other in (replace(channel, name=f"{unique} new"), replace(channel, code=f"{unique}2")):
        with pytest.raises(Conflict):
            container().records.of(DELIVERY_CHANNELS).put(other)
    late = container()
    assert (late.settings.access_channel(unique), late.settings.channel(unique)) == (first, channel)
    assert (late.settings.access_channel(f"{unique}2"), late.settings.channel(f"{unique}2")) == (
        None,
        None,
    )


def test_a_channel_and_an_access_channel_may_have_the_same_name(world: World, unique: str) -> None:
    world.records.of(ACCESS_CHANNELS).put(an_access_channel(unique, name=unique))
    world.records.of(DELIVERY_CHANNELS).put(a_channel(unique, ChannelType.SMS, name=unique))


def test_a_name_that_a_failed_put_wanted_is_still_free(world: World, unique: str) -> None:
    world.records.of(DELIVERY_CHANNELS).put(a_channel(unique, ChannelType.SMS))
    with pytest.raises(Conflict):
        world.records.of(DELIVERY_CHANNELS).put(
            a_channel(unique, ChannelType.SMS, name=f"{unique} wanted")
        )
    world.records.of(DELIVERY_CHANNELS).put(
        a_channel(f"{unique}2", ChannelType.SMS, name=f"{unique} wanted")
    )


def test_authorisations_are_given_switched_and_taken_back(
    container: Container, unique: str
) -> None:
    world = container()
    world.records.of(ACCESS_CHANNELS).put(an_access_channel(unique, channels=()))
    for code, enabled in (
        ("a", True),
        ("b", False),
        ("c-1", True),
        ("a", False),
        ("c-1", None),
        ("never", None),
    ):
        assert world.records.of(ACCESS_CHANNELS).set_entry(unique, "channels", code, enabled)
    found = container().settings.access_channel(unique)
    assert found is not None
    assert found.channels == {"a": False, "b": False}
    assert not world.records.of(ACCESS_CHANNELS).set_entry(f"{unique}-other", "channels", "a", True)
    assert container().settings.access_channel(f"{unique}-other") is None


def test_numbers_rise_and_each_kind_has_its_own(container: Container) -> None:
    first = container().templates.next_number()
    assert [container().templates.next_number() for _ in range(3)] == [
        first + 1,
        first + 2,
        first + 3,
    ]
    channel = container().records.of(DELIVERY_CHANNELS).next_number()
    assert container().records.of(DELIVERY_CHANNELS).next_number() == channel + 1


def test_the_newest_version_of_a_template_is_the_one_that_is_read(
    container: Container, unique: str
) -> None:
    world = container()
    number = world.templates.next_number()
    first = a_template(
        number, text="Hello {{name}} 你好", channel_key=unique, links=frozenset({"url"})
    )
    world.templates.put(first)
    assert container().settings.template(number) == first
    second = replace(first, version=2, name="other", contents={ChannelType.SMS: {"text": "new"}})
    world.templates.put(second)
    assert world.settings.template(number) == second
    assert world.templates.list(unique) == [second]
    with pytest.raises(Conflict):
        world.templates.put(replace(first, name="again"))
    assert container().settings.template(number) == second


def test_the_tenth_version_is_newer_than_the_ninth(world: World, unique: str) -> None:
    number = world.templates.next_number()
    for version in range(1, 12):
        world.templates.put(a_template(number, version=version, channel_key=unique))
    found = world.settings.template(number)
    assert found is not None
    assert found.version == 11


def test_a_strategy_is_read_as_it_was_put(container: Container, unique: str) -> None:
    world = container()
    numbers = [world.records.of(STRATEGIES).next_number() for _ in range(2)]
    strategies: list[Strategy] = [
        a_strategy("app", "sms,email", missing="clicked", within=7, operator="or"),
        a_strategy("sms", "app"),
    ]
    for number, strategy in zip(numbers, strategies, strict=True):
        world.records.of(STRATEGIES).put(StrategyEntry(number, unique, f"s{number}", strategy))
    assert container().settings.strategy(numbers[0]) == (unique, strategies[0])
    assert list(container().records.of(STRATEGIES).list(unique)) == [
        StrategyEntry(n, unique, f"s{n}", s) for n, s in zip(numbers, strategies, strict=True)
    ]
    with pytest.raises(Conflict):
        world.records.of(STRATEGIES).put(StrategyEntry(numbers[0], unique, "other", strategies[1]))


def test_lists_have_only_what_belongs_to_the_access_channel_in_order(
    container: Container, unique: str
) -> None:
    world = container()
    numbers = [world.templates.next_number() for _ in range(12)]
    for number in numbers:
        world.templates.put(a_template(number, channel_key=unique))
    world.templates.put(a_template(world.templates.next_number(), channel_key=f"{unique}-other"))
    assert [t.number for t in container().templates.list(unique)] == numbers


def test_a_writer_sees_at_once_what_it_wrote_though_it_had_looked_before(
    world: World, unique: str
) -> None:
    number = world.templates.next_number()
    assert world.settings.access_channel(unique) is None
    assert world.settings.channel(unique) is None
    assert world.settings.template(number) is None
    world.records.of(ACCESS_CHANNELS).put(an_access_channel(unique, channels=()))
    world.records.of(DELIVERY_CHANNELS).put(a_channel(unique, ChannelType.SMS))
    world.templates.put(a_template(number))
    world.records.of(ACCESS_CHANNELS).set_entry(unique, "channels", unique, True)
    found = world.settings.access_channel(unique)
    assert found is not None
    assert found.channels == {unique: True}
    assert world.settings.channel(unique) is not None
    assert world.settings.template(number) is not None


# -- what only AWS does


def test_a_global_access_key_is_found_by_its_hash(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    digest = hashlib.sha256(b"secret").hexdigest()
    item = {
        "pk": {"S": f"access-key#{unique}"},
        "sk": {"S": "-"},
        "secret_hash": {"S": digest},
        "created": {"N": "1"},
    }
    aws("dynamodb").put_item(TableName=table("settings"), Item=item)
    assert real.records.of(MEMBERS).get(unique) == Member(unique, "", Role.ADMINISTRATOR, digest)
    assert unique not in [member.key for member in real.records.of(MEMBERS).list()]


def test_a_setting_is_read_once_while_the_cache_is_young_also_if_it_is_not_there(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    real.records.of(DELIVERY_CHANNELS).put(a_channel(unique, ChannelType.SMS))
    with faults.counted(aws("dynamodb")) as calls:
        for _ in range(3):
            real.settings.channel(unique)
            real.settings.access_channel(f"{unique}-unknown")
    assert calls == ["GetItem", "GetItem"]


def test_a_list_takes_few_calls_however_long_it_is(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    for n in range(30):
        real.templates.put(a_template(real.templates.next_number(), channel_key=unique))
        real.records.of(STRATEGIES).put(
            StrategyEntry(real.records.of(STRATEGIES).next_number(), unique, f"{n}", a_strategy())
        )
    with faults.counted(aws("dynamodb")) as calls:
        assert len(real.templates.list(unique)) == 30
        assert len(real.records.of(STRATEGIES).list(unique)) == 30
    assert len(calls) <= 4


def test_what_is_read_after_a_write_is_read_consistently(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """A replica that lags would be remembered for as long as the cache."""
    number = real.templates.next_number()
    real.templates.put(a_template(number))
    with (
        faults.answered(aws("dynamodb"), "Query") as queries,
        faults.answered(aws("dynamodb"), "GetItem") as gets,
    ):
        real.settings.template(number)
        real.settings.channel(unique)
    assert [asked.get("ConsistentRead") for asked in (*queries, *gets)] == [True, True]


def test_nobody_gets_the_same_number(real: World) -> None:
    worlds, got = [real_container() for _ in range(4)], list[int]()
    threads = [
        Thread(target=lambda w=w: got.extend(w.templates.next_number() for _ in range(10)))
        for w in worlds
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(set(got)) == 40


def test_a_put_that_was_disturbed_is_no_conflict(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    cancelled = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled [ThrottlingError, None]",
        "CancellationReasons": [{"Code": "ThrottlingError"}, {"Code": "None"}],
    }
    with faults.answered(aws("dynamodb"), "TransactWriteItems", cancelled, status=400):
        real.records.of(DELIVERY_CHANNELS).put(a_channel(unique, ChannelType.SMS))
    assert real_container().settings.channel(unique) is not None


def test_a_single_write_waits_for_a_transaction_on_the_same_item(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """DynamoDB rejects it then, and the SDK does not try again."""
    conflict = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
        "message": "Transaction is ongoing for the item",
    }
    real.records.of(ACCESS_CHANNELS).put(an_access_channel(unique))
    with faults.answered(aws("dynamodb"), "UpdateItem", conflict, conflict, status=400) as asked:
        assert real.records.of(ACCESS_CHANNELS).set_entry(unique, "channels", "push", True)
    assert len(asked) == 3
    with (
        faults.answered(aws("dynamodb"), "UpdateItem", *[conflict] * 9, status=400) as asked,
        pytest.raises(ClientError),
    ):
        real.records.of(ACCESS_CHANNELS).set_entry(unique, "channels", "push", True)
    assert len(asked) == 5
