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
from chalicelib.domain.delivery_channels import ChannelType, OnUncertain, ReceiptMode
from chalicelib.domain.errors import Conflict
from chalicelib.domain.members import Member, Role
from chalicelib.domain.strategies import Strategy, StrategyEntry
from chalicelib.ports import World
from tests.builders import a_channel, a_strategy, a_template, an_access_channel
from tests.contracts import faults
from tests.contracts.conftest import Container, real_container


def test_an_access_channel_is_read_as_it_was_put(container: Container, unique: str) -> None:
    channel = an_access_channel(unique, secret_hashes=("h1", "h2"), channels=(), enabled=False)
    container().settings.put_access_channel(channel)
    assert container().settings.access_channel(unique) == channel
    assert channel in container().settings.access_channels()


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
    container().settings.put_channel(channel)
    assert container().settings.channel(unique) == channel
    assert channel in container().settings.channels()


def test_what_does_not_exist_is_none(world: World, unique: str) -> None:
    assert world.settings.access_channel(unique) is None
    assert world.settings.channel(unique) is None
    assert world.settings.template(987654) is None
    assert world.settings.strategy(987654) is None
    assert world.settings.strategy_entry(987654) is None
    assert world.members.get(unique) is None
    assert world.settings.templates(unique) == []
    assert world.settings.strategies(unique) == []


def test_a_key_a_code_and_a_name_are_taken_once(container: Container, unique: str) -> None:
    world = container()
    first, channel = an_access_channel(unique), a_channel(unique, ChannelType.SMS)
    world.settings.put_access_channel(first)
    world.settings.put_channel(channel)
    for taken in (replace(first, name=f"{unique} new"), replace(first, key=f"{unique}2")):
        with pytest.raises(Conflict):
            container().settings.put_access_channel(taken)
    for other in (replace(channel, name=f"{unique} new"), replace(channel, code=f"{unique}2")):
        with pytest.raises(Conflict):
            container().settings.put_channel(other)
    late = container().settings
    assert (late.access_channel(unique), late.channel(unique)) == (first, channel)
    assert (late.access_channel(f"{unique}2"), late.channel(f"{unique}2")) == (None, None)


def test_a_channel_and_an_access_channel_may_have_the_same_name(world: World, unique: str) -> None:
    world.settings.put_access_channel(an_access_channel(unique, name=unique))
    world.settings.put_channel(a_channel(unique, ChannelType.SMS, name=unique))


def test_a_name_that_a_failed_put_wanted_is_still_free(world: World, unique: str) -> None:
    world.settings.put_channel(a_channel(unique, ChannelType.SMS))
    with pytest.raises(Conflict):
        world.settings.put_channel(a_channel(unique, ChannelType.SMS, name=f"{unique} wanted"))
    world.settings.put_channel(a_channel(f"{unique}2", ChannelType.SMS, name=f"{unique} wanted"))


def test_authorisations_are_given_switched_and_taken_back(
    container: Container, unique: str
) -> None:
    world = container()
    world.settings.put_access_channel(an_access_channel(unique, channels=()))
    for code, enabled in (
        ("a", True),
        ("b", False),
        ("c-1", True),
        ("a", False),
        ("c-1", None),
        ("never", None),
    ):
        assert world.settings.authorise(unique, code, enabled)
    found = container().settings.access_channel(unique)
    assert found is not None
    assert found.channels == {"a": False, "b": False}
    assert not world.settings.authorise(f"{unique}-other", "a", True)
    assert container().settings.access_channel(f"{unique}-other") is None


def test_numbers_rise_and_each_kind_has_its_own(container: Container) -> None:
    first = container().settings.next_number("template")
    assert [container().settings.next_number("template") for _ in range(3)] == [
        first + 1,
        first + 2,
        first + 3,
    ]
    channel = container().settings.next_number("channel")
    assert container().settings.next_number("channel") == channel + 1


def test_the_newest_version_of_a_template_is_the_one_that_is_read(
    container: Container, unique: str
) -> None:
    world = container()
    number = world.settings.next_number("template")
    first = a_template(
        number, text="Hello {{name}} 你好", channel_key=unique, links=frozenset({"url"})
    )
    world.settings.put_template(first)
    assert container().settings.template(number) == first
    second = replace(first, version=2, name="other", contents={ChannelType.SMS: {"text": "new"}})
    world.settings.put_template(second)
    assert world.settings.template(number) == second
    assert world.settings.templates(unique) == [second]
    with pytest.raises(Conflict):
        world.settings.put_template(replace(first, name="again"))
    assert container().settings.template(number) == second


def test_the_tenth_version_is_newer_than_the_ninth(world: World, unique: str) -> None:
    number = world.settings.next_number("template")
    for version in range(1, 12):
        world.settings.put_template(a_template(number, version=version, channel_key=unique))
    found = world.settings.template(number)
    assert found is not None
    assert found.version == 11


def test_a_strategy_is_read_as_it_was_put(container: Container, unique: str) -> None:
    world = container()
    numbers = [world.settings.next_number("strategy") for _ in range(2)]
    strategies: list[Strategy] = [
        a_strategy("app", "sms,email", missing="clicked", within=7, operator="or"),
        a_strategy("sms", "app"),
    ]
    for number, strategy in zip(numbers, strategies, strict=True):
        world.settings.put_strategy(number, unique, f"s{number}", strategy)
    assert container().settings.strategy(numbers[0]) == (unique, strategies[0])
    assert list(container().settings.strategies(unique)) == [
        StrategyEntry(n, unique, f"s{n}", s) for n, s in zip(numbers, strategies, strict=True)
    ]
    with pytest.raises(Conflict):
        world.settings.put_strategy(numbers[0], unique, "other", strategies[1])


def test_lists_have_only_what_belongs_to_the_access_channel_in_order(
    container: Container, unique: str
) -> None:
    world = container()
    numbers = [world.settings.next_number("template") for _ in range(12)]
    for number in numbers:
        world.settings.put_template(a_template(number, channel_key=unique))
    world.settings.put_template(
        a_template(world.settings.next_number("template"), channel_key=f"{unique}-other")
    )
    assert [t.number for t in container().settings.templates(unique)] == numbers


def test_a_writer_sees_at_once_what_it_wrote_though_it_had_looked_before(
    world: World, unique: str
) -> None:
    number = world.settings.next_number("template")
    assert world.settings.access_channel(unique) is None
    assert world.settings.channel(unique) is None
    assert world.settings.template(number) is None
    world.settings.put_access_channel(an_access_channel(unique, channels=()))
    world.settings.put_channel(a_channel(unique, ChannelType.SMS))
    world.settings.put_template(a_template(number))
    world.settings.authorise(unique, unique, True)
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
    assert real.members.get(unique) == Member(unique, "", Role.ADMINISTRATOR, digest)
    assert unique not in [member.key for member in real.members.list()]


def test_a_setting_is_read_once_while_the_cache_is_young_also_if_it_is_not_there(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    real.settings.put_channel(a_channel(unique, ChannelType.SMS))
    with faults.counted(aws("dynamodb")) as calls:
        for _ in range(3):
            real.settings.channel(unique)
            real.settings.access_channel(f"{unique}-unknown")
    assert calls == ["GetItem", "GetItem"]


def test_a_list_takes_few_calls_however_long_it_is(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    for n in range(30):
        real.settings.put_template(
            a_template(real.settings.next_number("template"), channel_key=unique)
        )
        real.settings.put_strategy(
            real.settings.next_number("strategy"), unique, f"{n}", a_strategy()
        )
    with faults.counted(aws("dynamodb")) as calls:
        assert len(real.settings.templates(unique)) == 30
        assert len(real.settings.strategies(unique)) == 30
    assert len(calls) <= 4


def test_what_is_read_after_a_write_is_read_consistently(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """A replica that lags would be remembered for as long as the cache."""
    number = real.settings.next_number("template")
    real.settings.put_template(a_template(number))
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
        Thread(target=lambda w=w: got.extend(w.settings.next_number("template") for _ in range(10)))
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
        real.settings.put_channel(a_channel(unique, ChannelType.SMS))
    assert real_container().settings.channel(unique) is not None


def test_a_single_write_waits_for_a_transaction_on_the_same_item(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """DynamoDB rejects it then, and the SDK does not try again."""
    conflict = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
        "message": "Transaction is ongoing for the item",
    }
    real.settings.put_access_channel(an_access_channel(unique))
    with faults.answered(aws("dynamodb"), "UpdateItem", conflict, conflict, status=400) as asked:
        assert real.settings.authorise(unique, "push", True)
    assert len(asked) == 3
    with (
        faults.answered(aws("dynamodb"), "UpdateItem", *[conflict] * 9, status=400) as asked,
        pytest.raises(ClientError),
    ):
        real.settings.authorise(unique, "push", True)
    assert len(asked) == 5
