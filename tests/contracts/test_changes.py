"""Settings that change: each change begins from a version, and of two that began from the same one the first stands."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.domain.groups import Family, Group
from chalicelib.domain.strategies import StrategyEntry
from chalicelib.ports import World
from tests.builders import a_channel, a_strategy, a_template, an_access_channel
from tests.contracts import faults
from tests.contracts.conftest import Container, real_container


def next_of(thing: Any, **changes: Any) -> Any:
    return replace(thing, **changes, version=thing.version + 1)


def test_an_access_channel_is_changed_and_keeps_its_authorisations(
    container: Container, unique: str
) -> None:
    before: AccessChannel = an_access_channel(unique, name=unique, channels=())
    container().settings.put_access_channel(before)
    after = next_of(
        before,
        name=f"{unique} new",
        enabled=False,
        restricted=True,
        rate=7,
        secret_hashes=("new",),
        retiring={"old": 1_800_000_000_000},
    )
    other = container()
    other.settings.update_access_channel(before, after)
    assert other.settings.access_channel(unique) == after
    assert container().settings.authorise(unique, "sms", True)
    found = container().settings.access_channel(unique)
    assert found == replace(after, channels={"sms": True}, version=3), (
        "an authorisation is a change too"
    )
    last = next_of(found, rate=None, retiring={}, channels={})
    container().settings.update_access_channel(found, last)
    assert container().settings.access_channel(unique) == replace(last, channels={"sms": True})


def test_a_delivery_channel_is_changed_whole(container: Container, unique: str) -> None:
    before: Channel = a_channel(unique, ChannelType.SMS, name=unique)
    container().settings.put_channel(before)
    after = next_of(
        before,
        name=f"{unique} new",
        sealed_credentials=b"new",
        labels={"1": "默认联系", "a1": "Work"},
        default_label="a1",
        calls_per_second=9,
        options={"server": "x"},
        webhook_token_hash="other",
    )
    container().settings.update_channel(before, after)
    assert container().settings.channel(unique) == after
    assert after in container().settings.list_channels()


@pytest.mark.parametrize("kind", ["access", "channel", "strategy", "template"])
def test_who_began_from_an_old_version_changes_nothing(
    container: Container, unique: str, kind: str
) -> None:
    settings = container().settings
    number = settings.next_number("strategy" if kind == "strategy" else "template")
    access, channel = an_access_channel(unique), a_channel(unique, ChannelType.SMS)
    entry, template = (
        StrategyEntry(number, unique, "s", a_strategy()),
        a_template(number, channel_key=unique),
    )
    if kind == "access":
        settings.put_access_channel(access)
        settings.update_access_channel(access, next_of(access, rate=1))
        with pytest.raises(Stale):
            container().settings.update_access_channel(access, next_of(access, rate=2))
        found = container().settings.access_channel(unique)
        assert found is not None
        assert found.rate == 1
    elif kind == "channel":
        settings.put_channel(channel)
        settings.update_channel(channel, next_of(channel, calls_per_second=1))
        for change in (
            lambda s: s.update_channel(channel, next_of(channel)),
            lambda s: s.delete_channel(next_of(channel)),
        ):
            with pytest.raises(Stale):
                change(container().settings)
        kept = container().settings.channel(unique)
        assert kept is not None
        assert kept.calls_per_second == 1
    elif kind == "strategy":
        settings.put_strategy(number, unique, "s", entry.strategy)
        settings.update_strategy(next_of(entry, name="first"))
        for change in (
            lambda s: s.update_strategy(next_of(entry)),
            lambda s: s.delete_strategy(next_of(entry)),
        ):
            with pytest.raises(Stale):
                change(container().settings)
        assert container().settings.strategy_entry(number) == next_of(entry, name="first")
    else:
        settings.put_template(template)
        settings.put_template(next_of(template, name="first"))
        with pytest.raises(Conflict):
            container().settings.put_template(next_of(template, name="second"))
        assert container().settings.template(number) == next_of(template, name="first")


def test_a_name_is_freed_by_a_change_and_a_taken_one_refuses_it(
    container: Container, unique: str
) -> None:
    settings = container().settings
    one, other = (
        a_channel(f"{unique}1", ChannelType.SMS, name=f"{unique} 1"),
        a_channel(f"{unique}2", ChannelType.SMS, name=f"{unique} 2"),
    )
    settings.put_channel(one)
    settings.put_channel(other)
    with pytest.raises(Conflict) as taken:
        settings.update_channel(one, next_of(one, name=other.name))
    assert not isinstance(taken.value, Stale)
    settings.update_channel(one, next_of(one, name=f"{unique} 3"))
    settings.update_channel(other, next_of(other, name=f"{unique} 1"))
    first, second = (
        an_access_channel(f"{unique}1", name=f"{unique} 1"),
        an_access_channel(f"{unique}2", name=f"{unique} 2"),
    )
    settings.put_access_channel(first)
    settings.put_access_channel(second)
    with pytest.raises(Conflict):
        settings.update_access_channel(first, next_of(first, name=second.name))
    settings.update_access_channel(first, next_of(first, name=f"{unique} 3"))
    settings.update_access_channel(second, next_of(second, name=f"{unique} 1"))


def test_a_delivery_channel_that_is_deleted_leaves_nothing_behind(
    container: Container, unique: str
) -> None:
    settings = container().settings
    channel = a_channel(unique, ChannelType.SMS, name=unique)
    settings.put_channel(channel)
    assert settings.channel(unique) == channel
    settings.delete_channel(next_of(channel))
    assert settings.channel(unique) is None
    assert unique not in [each.code for each in container().settings.list_channels()]
    container().settings.put_channel(channel)


def test_a_strategy_is_replaced_and_deleted(container: Container, unique: str) -> None:
    settings = container().settings
    number = settings.next_number("strategy")
    entry = StrategyEntry(number, unique, "s", a_strategy())
    settings.put_strategy(number, unique, "s", entry.strategy)
    assert container().settings.strategy_entry(number) == entry
    other = next_of(entry, name="t", strategy=a_strategy("sms", "email"))
    settings.update_strategy(other)
    assert settings.strategy(number) == (unique, other.strategy)
    settings.delete_strategy(next_of(other))
    assert settings.strategy(number) is None
    assert container().settings.strategies(unique) == []


def test_a_template_that_is_archived_can_only_be_looked_at(
    container: Container, unique: str
) -> None:
    settings = container().settings
    number = settings.next_number("template")
    first = a_template(number, channel_key=unique)
    second = next_of(first, name="second")
    for version in (first, second):
        settings.put_template(version)
    assert settings.template(number) == second
    settings.put_template(next_of(second, archived=True, contents={}))
    late = container().settings
    assert (settings.template(number), late.templates(unique)) == (None, [])
    assert list(late.template_versions(number)) == [first, second]
    assert list(late.template_versions(number, 0, 1)) == [first]
    assert list(late.template_versions(number, 1, 5)) == [second]
    assert [late.template_version(number, n) for n in (1, 2, 3, 4)] == [first, second, None, None]


def test_lists_are_read_in_pages(container: Container, unique: str) -> None:
    settings = container().settings
    for n in range(5):
        settings.put_template(a_template(settings.next_number("template"), channel_key=unique))
        settings.put_strategy(settings.next_number("strategy"), unique, f"{n}", a_strategy())
        settings.put_channel(a_channel(f"{unique}{n}", ChannelType.SMS))
        settings.put_access_channel(an_access_channel(f"{unique}{n}"))
    for read in (settings.templates, settings.strategies):
        every = [each.number for each in read(unique)]
        assert [each.number for each in read(unique, 0, 2)] == every[:2]
        assert [each.number for each in read(unique, every[1], 2)] == every[2:4]
        assert [each.number for each in read(unique, every[3], 2)] == every[4:]
        assert read(unique, every[4], 2) == []
    codes = [each.code for each in settings.list_channels(f"{unique}0", 3)]
    assert codes == [f"{unique}{n}" for n in (1, 2, 3)]
    assert [each.key for each in settings.access_channels(f"{unique}2", 2)] == [
        f"{unique}3",
        f"{unique}4",
    ]


def test_what_goes_while_a_list_is_read_hides_nothing_behind_it(
    real: World, aws: Any, unique: str
) -> None:
    """A page is read as names, then as items: one that is short is the last one."""
    settings = real.settings
    entries = [
        StrategyEntry(settings.next_number("strategy"), unique, f"{n}", a_strategy())
        for n in range(4)
    ]
    groups = [
        Group(Family.LIST, settings.next_number("list"), unique, f"{n}", "black") for n in range(4)
    ]
    channels = [a_channel(f"{unique}{n}", ChannelType.SMS) for n in range(4)]
    for entry, group, channel in zip(entries, groups, channels, strict=True):
        settings.put_strategy(entry.number, unique, entry.name, entry.strategy)
        real.groups.put(group)
        settings.put_channel(channel)
    with faults.meanwhile(
        aws("dynamodb"), "BatchGetItem", lambda: settings.delete_strategy(next_of(entries[1]))
    ):
        assert settings.strategies(unique, 0, 3) == [entries[0], *entries[2:]]
    with faults.meanwhile(
        aws("dynamodb"), "BatchGetItem", lambda: real.groups.delete(next_of(groups[0]))
    ):
        assert real.groups.list(Family.LIST, unique, 0, 2) == groups[1:3]
    with faults.meanwhile(
        aws("dynamodb"), "BatchGetItem", lambda: settings.delete_channel(next_of(channels[2]))
    ):
        assert settings.list_channels(f"{unique}0", 2) == [channels[1], channels[3]]


def test_what_another_container_wrote_is_seen_after_forgetting(
    container: Container, unique: str
) -> None:
    reader = container()
    assert reader.settings.channel(unique) is None
    container().settings.put_channel(a_channel(unique, ChannelType.SMS))
    reader.settings.forget()
    assert reader.settings.channel(unique) is not None


def test_of_many_at_once_one_changes_it(real: World, unique: str) -> None:
    channel = a_channel(unique, ChannelType.SMS)
    real.settings.put_channel(channel)
    worlds, won = [real_container() for _ in range(4)], list[int]()

    def change(n: int) -> None:
        try:
            worlds[n].settings.update_channel(channel, next_of(channel, calls_per_second=n + 1))
            won.append(n + 1)
        except Stale:
            return

    threads = [Thread(target=change, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = real_container().settings.channel(unique)
    assert found is not None
    assert [found.calls_per_second] == won


def test_an_item_from_before_there_were_versions_can_be_changed(
    real: World, aws: Any, unique: str
) -> None:
    from chalicelib.aws.tables import table

    channel, access = a_channel(unique, ChannelType.SMS), an_access_channel(unique, channels=())
    real.settings.put_channel(channel)
    real.settings.put_access_channel(access)
    gone = {
        "channel": ("version", "labels", "default_label", "calls_per_second"),
        "access": ("version", "retiring", "restricted", "rate"),
    }
    for kind, names in gone.items():
        aws("dynamodb").update_item(
            TableName=table("settings"),
            Key={"pk": {"S": f"{kind}#{unique}"}, "sk": {"S": "-"}},
            UpdateExpression="REMOVE " + ", ".join(f"#{name}" for name in names),
            ExpressionAttributeNames={f"#{name}": name for name in names},
        )
    late = real_container().settings
    assert (late.channel(unique), late.access_channel(unique)) == (channel, access)
    late.update_channel(channel, next_of(channel))
    late.update_access_channel(access, next_of(access))
    with pytest.raises(Stale):
        late.update_channel(channel, next_of(channel))
