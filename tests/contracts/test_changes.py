"""Changes of settings. Of two changes that began from the same version, the first one stands."""

from __future__ import annotations

from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, Channel, ChannelType
from chalicelib.domain.drafts import DRAFTS, Draft
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.domain.records import Kind
from chalicelib.domain.strategies import STRATEGIES, StrategyEntry
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
    container().records.of(ACCESS_CHANNELS).put(before)
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
    other.records.of(ACCESS_CHANNELS).update(before, after)
    assert other.settings.access_channel(unique) == after
    assert container().records.of(ACCESS_CHANNELS).set_entry(unique, "channels", "sms", True)
    found = container().settings.access_channel(unique)
    assert found == replace(after, channels={"sms": True}, version=3), (
        "an authorisation is a change too"
    )
    last = next_of(found, rate=None, retiring={}, channels={})
    container().records.of(ACCESS_CHANNELS).update(found, last)
    assert container().settings.access_channel(unique) == replace(last, channels={"sms": True})


def test_a_delivery_channel_is_changed_whole(container: Container, unique: str) -> None:
    before: Channel = a_channel(unique, ChannelType.SMS, name=unique)
    container().records.of(DELIVERY_CHANNELS).put(before)
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
    container().records.of(DELIVERY_CHANNELS).update(before, after)
    assert container().settings.channel(unique) == after
    assert after in container().records.of(DELIVERY_CHANNELS).list()


@pytest.mark.parametrize(
    "kind", [ACCESS_CHANNELS, DELIVERY_CHANNELS, STRATEGIES], ids=lambda kind: kind.name
)
def test_who_began_from_an_old_version_changes_nothing(
    container: Container, unique: str, kind: Kind[Any]
) -> None:
    number = container().records.of(STRATEGIES).next_number()
    before = {
        ACCESS_CHANNELS: an_access_channel(unique),
        DELIVERY_CHANNELS: a_channel(unique, ChannelType.SMS),
        STRATEGIES: StrategyEntry(number, unique, "s", a_strategy()),
    }[kind]
    records = container().records.of(kind)
    records.put(before)
    first = next_of(before, name=f"{unique} first")
    records.update(before, first)
    late = container().records.of(kind)
    for change in (
        lambda: late.update(before, next_of(before, name=f"{unique} second")),
        lambda: late.delete(before),
    ):
        with pytest.raises(Stale):
            change()
    assert container().records.of(kind).get(kind.key(before)) == first


def test_a_version_of_a_template_is_taken_once(container: Container, unique: str) -> None:
    templates = container().templates
    template = a_template(templates.next_number(), channel_key=unique)
    templates.put(template)
    templates.put(next_of(template, name="first"))
    with pytest.raises(Conflict):
        container().templates.put(next_of(template, name="second"))
    assert container().templates.get(template.number) == next_of(template, name="first")


def test_a_name_is_freed_by_a_change_and_a_taken_one_refuses_it(
    container: Container, unique: str
) -> None:
    world = container()
    one, other = (
        a_channel(f"{unique}1", ChannelType.SMS, name=f"{unique} 1"),
        a_channel(f"{unique}2", ChannelType.SMS, name=f"{unique} 2"),
    )
    world.records.of(DELIVERY_CHANNELS).put(one)
    world.records.of(DELIVERY_CHANNELS).put(other)
    with pytest.raises(Conflict) as taken:
        world.records.of(DELIVERY_CHANNELS).update(one, next_of(one, name=other.name))
    assert not isinstance(taken.value, Stale)
    world.records.of(DELIVERY_CHANNELS).update(one, next_of(one, name=f"{unique} 3"))
    world.records.of(DELIVERY_CHANNELS).update(other, next_of(other, name=f"{unique} 1"))
    first, second = (
        an_access_channel(f"{unique}1", name=f"{unique} 1"),
        an_access_channel(f"{unique}2", name=f"{unique} 2"),
    )
    world.records.of(ACCESS_CHANNELS).put(first)
    world.records.of(ACCESS_CHANNELS).put(second)
    with pytest.raises(Conflict):
        world.records.of(ACCESS_CHANNELS).update(first, next_of(first, name=second.name))
    world.records.of(ACCESS_CHANNELS).update(first, next_of(first, name=f"{unique} 3"))
    world.records.of(ACCESS_CHANNELS).update(second, next_of(second, name=f"{unique} 1"))


def test_a_delivery_channel_that_is_deleted_leaves_nothing_behind(
    container: Container, unique: str
) -> None:
    world = container()
    channel = a_channel(unique, ChannelType.SMS, name=unique)
    world.records.of(DELIVERY_CHANNELS).put(channel)
    assert world.settings.channel(unique) == channel
    world.records.of(DELIVERY_CHANNELS).delete(channel)
    assert world.settings.channel(unique) is None
    assert unique not in [each.code for each in container().records.of(DELIVERY_CHANNELS).list()]
    container().records.of(DELIVERY_CHANNELS).put(channel)


def test_a_strategy_is_replaced_and_deleted(container: Container, unique: str) -> None:
    world = container()
    number = world.records.of(STRATEGIES).next_number()
    entry = StrategyEntry(number, unique, "s", a_strategy())
    world.records.of(STRATEGIES).put(StrategyEntry(number, unique, "s", entry.strategy))
    assert container().records.of(STRATEGIES).get(number) == entry
    other = next_of(entry, name="t", strategy=a_strategy("sms", "email"))
    world.records.of(STRATEGIES).update(entry, other)
    assert world.settings.strategy(number) == (unique, other.strategy)
    world.records.of(STRATEGIES).delete(other)
    assert world.settings.strategy(number) is None
    assert container().records.of(STRATEGIES).list(unique) == []


def test_a_template_that_is_archived_can_only_be_looked_at(
    container: Container, unique: str
) -> None:
    world = container()
    number = world.templates.next_number()
    first = a_template(number, channel_key=unique)
    second = next_of(first, name="second")
    for version in (first, second):
        world.templates.put(version)
    assert world.settings.template(number) == second
    world.templates.put(next_of(second, archived=True, contents={}))
    late = container()
    assert (world.settings.template(number), late.templates.list(unique)) == (None, [])
    assert list(late.templates.versions(number)) == [first, second]
    assert list(late.templates.versions(number, limit=1)) == [first]
    assert list(late.templates.versions(number, after=1, limit=5)) == [second]
    assert [late.settings.template_version(number, n) for n in (1, 2, 3, 4)] == [
        first,
        second,
        None,
        None,
    ]


def test_lists_are_read_in_pages(container: Container, unique: str) -> None:
    world = container()
    for n in range(5):
        world.templates.put(a_template(world.templates.next_number(), channel_key=unique))
        world.records.of(STRATEGIES).put(
            StrategyEntry(world.records.of(STRATEGIES).next_number(), unique, f"{n}", a_strategy())
        )
        world.records.of(DELIVERY_CHANNELS).put(a_channel(f"{unique}{n}", ChannelType.SMS))
        world.records.of(ACCESS_CHANNELS).put(an_access_channel(f"{unique}{n}"))
    for read in (world.templates.list, world.records.of(STRATEGIES).list):
        every = [each.number for each in read(unique)]
        assert [each.number for each in read(unique, limit=2)] == every[:2]
        assert [each.number for each in read(unique, after=every[1], limit=2)] == every[2:4]
        assert [each.number for each in read(unique, after=every[3], limit=2)] == every[4:]
        assert read(unique, after=every[4], limit=2) == []
    codes = [
        each.code for each in world.records.of(DELIVERY_CHANNELS).list(after=f"{unique}0", limit=3)
    ]
    assert codes == [f"{unique}{n}" for n in (1, 2, 3)]
    assert [
        each.key for each in world.records.of(ACCESS_CHANNELS).list(after=f"{unique}2", limit=2)
    ] == [
        f"{unique}3",
        f"{unique}4",
    ]


def test_what_goes_while_a_list_is_read_hides_nothing_behind_it(
    real: World, aws: Any, unique: str
) -> None:
    """A page is read as names, then as items: one that is short is the last one."""
    lists, strategies = real.records.of(GROUPS[Family.LIST]), real.records.of(STRATEGIES)
    delivery_channels = real.records.of(DELIVERY_CHANNELS)
    entries = [
        StrategyEntry(strategies.next_number(), unique, f"{n}", a_strategy()) for n in range(4)
    ]
    groups = [Group(Family.LIST, lists.next_number(), unique, f"{n}", "black") for n in range(4)]
    channels = [a_channel(f"{unique}{n}", ChannelType.SMS) for n in range(4)]
    for entry, group, channel in zip(entries, groups, channels, strict=True):
        strategies.put(entry)
        lists.put(group)
        delivery_channels.put(channel)
    with faults.meanwhile(aws("dynamodb"), "BatchGetItem", lambda: strategies.delete(entries[1])):
        assert strategies.list(unique, limit=3) == [entries[0], *entries[2:]]
    with faults.meanwhile(aws("dynamodb"), "BatchGetItem", lambda: lists.delete(groups[0])):
        assert lists.list(unique, limit=2) == groups[1:3]
    with faults.meanwhile(
        aws("dynamodb"), "BatchGetItem", lambda: delivery_channels.delete(channels[2])
    ):
        assert delivery_channels.list(after=f"{unique}0", limit=2) == [channels[1], channels[3]]


def test_what_another_container_wrote_is_seen_after_forgetting(
    container: Container, unique: str
) -> None:
    reader = container()
    assert reader.settings.channel(unique) is None
    container().records.of(DELIVERY_CHANNELS).put(a_channel(unique, ChannelType.SMS))
    reader.records.forget()
    assert reader.settings.channel(unique) is not None


def test_of_many_at_once_one_changes_it(real: World, unique: str) -> None:
    channel = a_channel(unique, ChannelType.SMS)
    real.records.of(DELIVERY_CHANNELS).put(channel)
    worlds, won = [real_container() for _ in range(4)], list[int]()

    def change(n: int) -> None:
        try:
            worlds[n].records.of(DELIVERY_CHANNELS).update(
                channel, next_of(channel, calls_per_second=n + 1)
            )
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
    real.records.of(DELIVERY_CHANNELS).put(channel)
    real.records.of(ACCESS_CHANNELS).put(access)
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
    late = real_container()
    assert (late.settings.channel(unique), late.settings.access_channel(unique)) == (
        channel,
        access,
    )
    late.records.of(DELIVERY_CHANNELS).update(channel, next_of(channel))
    late.records.of(ACCESS_CHANNELS).update(access, next_of(access))
    with pytest.raises(Stale):
        late.records.of(DELIVERY_CHANNELS).update(channel, next_of(channel))


def test_a_draft_and_the_preferences_of_a_member_are_kept(
    container: Container, unique: str
) -> None:
    draft = Draft(unique, "shop", f"m-{unique}", "Sale", b"\x00sealed", 7, broadcast=True)
    container().records.of(DRAFTS).put(draft)
    assert container().records.of(DRAFTS).get(unique) == draft
    after = next_of(draft, sealed=b"new", broadcast=False)
    container().records.of(DRAFTS).update(draft, after)
    assert container().records.of(DRAFTS).list(draft.member) == [after]
    member = Member(unique, "Chen", Role.OPERATOR, "hash", preferences={"theme": "dark"})
    container().records.of(MEMBERS).put(member)
    assert container().records.of(MEMBERS).get(unique) == member
    plain = next_of(member, preferences={})
    container().records.of(MEMBERS).update(member, plain)
    assert container().records.of(MEMBERS).get(unique) == plain
