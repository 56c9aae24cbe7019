"""Each user of a scanned audience is in one chunk or none.

It holds wherever a planner is ended, and whoever comes and goes meanwhile.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import audiences, keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.users import ALL, User
from chalicelib.flow import submit, tally
from chalicelib.flow.requests import SendRequest
from chalicelib.reports import message as report
from tests.builders import SHOP, a_template, a_user, an_access_channel
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld, limits_of
from tests.profiles import examples
from tests.simulation.world import Simulation

CROWD = tuple(f"user{n:02d}" for n in range(24))
TAGGED = frozenset(CROWD[::2])


def _of_the_crowd(name: str) -> User:
    return a_user(
        name,
        push=(f"reg-{name}",),
        text=f"1-{name}",
        mail=f"{name}@example.com",
        tags=["vip"] if name in TAGGED else [],
    )


SMALL = limits_of(chunk_targets=3, chunks_per_job=2, partition_users=8)


@dataclass
class Scanned(Simulation):
    """A message to everyone, or to users with the tag, in three partitions.

    Chunks have three targets, and a job plans two chunks.
    """

    tag: str = ""
    world: FakeWorld = field(default_factory=lambda: FakeWorld(SMALL))

    def __post_init__(self) -> None:
        super().__post_init__()
        self.world.users.stored.clear()
        self.world.users.has(*(_of_the_crowd(name) for name in CROWD))

    def request(self) -> SendRequest:
        return replace(
            super().request(),
            userids=(),
            everyone=not self.tag,
            tags=(self.tag,) if self.tag else (),
        )

    def planned(self) -> Counter[str]:
        return Counter(target.id for chunk in self.chunks() for target in chunk.plan.targets)

    def report(self) -> dict[str, object]:
        """Report the stored counts, as the stream would have them counted."""
        for chunk in self.chunks():
            tally.recount_chunk(self.world.ports, chunk.plan.id)
        return super().report()

    def _check_people(self) -> None:
        audience_of = TAGGED if self.tag else CROWD
        assert self.planned() == Counter(audience_of)


def _finished(simulation: Scanned) -> Scanned:
    simulation.submit()
    simulation.run()
    simulation.check()
    return simulation


@pytest.mark.parametrize("tag", ["", "vip"])
def test_everybody_is_in_one_chunk(tag: str) -> None:
    simulation = _finished(Scanned(tag=tag))
    size = len(TAGGED if tag else CROWD)
    assert simulation.world.messages.stored[simulation.msgid or ""].audience.partitions == -(
        -size // 8
    )
    shown = simulation.report()
    assert shown["progress"]["targets"] == size  # type: ignore[index]
    assert shown["funnel"]["users"]["delivered"] == size  # type: ignore[index]


def _kills(tag: str) -> list[int]:
    simulation = Scanned(tag=tag)
    simulation.submit()
    simulation.run()
    return simulation.world.kills


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("tag", ["", "vip"])
def test_a_planner_ended_at_any_step_leaves_nobody_out_and_sends_to_nobody_twice(
    tag: str, part: int
) -> None:
    for number in _kills(tag)[part::8]:
        simulation = Scanned(tag=tag)
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        if simulation.msgid is not None:
            simulation.check()


@examples(40)
@given(
    seed=st.integers(0, 10**6),
    kills=st.lists(st.integers(0, 400), max_size=8),
    twice=st.booleans(),
    tag=st.sampled_from(["", "vip"]),
)
def test_who_comes_and_goes_meanwhile_is_in_one_chunk_or_none(
    seed: int, kills: list[int], twice: bool, tag: str
) -> None:
    """Users come and go while workers plan chunks, and workers are ended here and there."""
    simulation = Scanned(order=random.Random(seed), twice=twice, tag=tag)
    chance = random.Random(seed)
    touched: set[str] = set()

    def meanwhile(number: int, name: str) -> None:
        if name in ("ledger.put_plan", "users.scan", "audiences.scan"):
            leaves, comes = chance.choice(CROWD), f"new{chance.randrange(100):02d}"
            simulation.world.users.stored.pop(leaves, None)
            simulation.world.users.has(replace(_of_the_crowd(comes), tags={ALL: ("vip",)}))
            touched.update((leaves, comes))
        if number in kills:
            raise Killed(name)

    simulation.world.on_step = meanwhile
    simulation.submit()
    simulation.run()
    simulation.world.spare()
    if simulation.msgid is not None:
        planned = simulation.planned()
        assert not planned or max(planned.values()) == 1
        assert set(TAGGED if tag else CROWD) - touched <= set(planned), "who stayed is in a chunk"
        assert simulation.report()["balanced"]


@pytest.mark.parametrize("tag", ["", "vip"])
def test_a_message_that_is_withdrawn_before_it_is_planned_comes_to_rest(tag: str) -> None:
    simulation = Scanned(tag=tag)
    simulation.submit()
    simulation.withdraw()
    simulation.run()
    assert simulation.world.timers.waiting() == []
    assert not simulation.world.providers.push.calls


def test_the_chunk_of_any_user_is_found() -> None:
    simulation = _finished(Scanned())
    for name in CROWD:
        life = report.target(simulation.world.ports, SHOP, simulation.msgid or "", name)
        assert (life["target"], life["state"]) == (name, "delivered")
    with pytest.raises(NotFound):
        report.target(simulation.world.ports, SHOP, simulation.msgid or "", "nobody")


def test_an_audience_of_nobody_ends_at_once() -> None:
    simulation = Scanned(tag="unheard-of")
    simulation.submit()
    simulation.run()
    shown = simulation.report()
    assert (shown["status"], shown["progress"]["targets"]) == ("finished", 0)  # type: ignore[index]


def test_a_tag_of_the_access_channels_own_goes_before_the_same_tag_of_all() -> None:
    simulation = Scanned(tag="vip")
    simulation.world.users.has(replace(_of_the_crowd("user01"), tags={SHOP: ("vip",)}))
    simulation.submit()
    simulation.run()
    assert simulation.planned() == Counter(["user01"])
    assert simulation.world.messages.stored[simulation.msgid or ""].audience.sets == (
        audiences.tag(SHOP, "vip"),
    )


def test_who_lost_a_tag_and_still_stands_in_its_set_gets_nothing() -> None:
    """A worker leaves such a row if it ends while it saves a user.

    The user has more than a hundred tags and contacts.
    """
    simulation = Scanned(tag="vip")
    assert "user01" not in TAGGED
    simulation.world.audiences.members[audiences.tag(ALL, "vip")] = {"user01"}
    _finished(simulation)
    assert not [
        contact for contact in simulation.world.providers.push.sent() if "user01" in contact
    ]


def test_a_restricted_access_channel_reaches_only_its_own_users() -> None:
    simulation = Scanned()
    simulation.world.users.has(
        a_user("own", text="1", tags=[]), replace(a_user("bound", text="2"), tags={SHOP: ("mine",)})
    )
    simulation.submit()
    message = simulation.world.messages.stored[simulation.msgid or ""]
    simulation.world.messages.stored[message.msgid] = replace(message, restricted=True)
    simulation.run()
    reached = set(simulation.planned())
    assert "bound" in reached
    assert "own" not in reached
    assert set(CROWD) <= reached, "their app is bound to a delivery channel of this access channel"


def test_who_is_bound_to_a_delivery_channel_that_the_message_does_not_use_is_its_own_user_too() -> (
    None
):
    simulation = Simulation(world=FakeWorld(SMALL))
    world = simulation.world
    world.settings.put_template(a_template(2, ("sms",)))
    world.users.has(
        a_user("bound", push=["r"], text="1"),
        replace(a_user("others", text="2"), tags={"other": ("theirs",)}),
    )
    access = an_access_channel(restricted=True)
    submit.submit(
        world.ports,
        replace(
            simulation.request(), userids=("bound", "others"), rule_id=0, template=2, channel=access
        ),
    )
    simulation.run()
    (chunk,) = simulation.chunks()
    assert {target.id: target.loss for target in chunk.plan.targets} == {
        "bound": None,
        "others": TargetLoss.UNKNOWN_USER,
    }


def test_named_contacts_are_targets_whose_names_tell_nothing() -> None:
    simulation = Simulation(world=FakeWorld(SMALL))
    request = replace(
        simulation.request(),
        userids=(),
        rule_id=0,
        template=2,
        contacts={ChannelType.SMS: ("13900001111", "13900002222")},
    )
    simulation.world.settings.put_template(a_template(2, ("sms",)))
    submit.submit(simulation.world.ports, replace(request, channel=an_access_channel()))
    simulation.run()
    targets = [target for chunk in simulation.chunks() for target in chunk.plan.targets]
    assert [keys.split(target.id)[0] for target in targets] == ["sms", "sms"]
    assert not any("1390000" in target.id for target in targets)
    assert set(simulation.world.providers.text.sent()) == {"13900001111", "13900002222"}


def test_a_few_contacts_that_one_plan_does_not_hold_are_all_sent_to() -> None:
    """A message that is planned in the request has further chunks, too.

    Its contacts are long, or on many delivery channels.
    """
    simulation = Simulation(world=FakeWorld(limits_of(chunk_targets=3, chunk_bytes=150)))
    contacts = tuple(f"reg-{n}" for n in range(5))
    simulation.world.settings.put_template(a_template(2, ("app",)))
    request = replace(
        simulation.request(),
        userids=(),
        rule_id=0,
        template=2,
        contacts={ChannelType.APP: contacts},
    )
    submit.submit(simulation.world.ports, request)
    simulation.run()
    assert len(simulation.chunks()) > 1
    assert simulation.world.providers.push.sent() == Counter(contacts)


def test_contacts_of_several_types_are_planned_once() -> None:
    simulation = Simulation(world=FakeWorld(SMALL))
    contacts = {ChannelType.SMS: ("13900001111",), ChannelType.APP: ("reg-1", "reg-2")}
    request = replace(simulation.request(), userids=(), rule_id=0, contacts=contacts)
    submit.submit(simulation.world.ports, request)
    simulation.run()
    assert set(simulation.world.providers.text.sent()) == {"13900001111"}
    assert set(simulation.world.providers.push.sent()) == {"reg-1", "reg-2"}


def test_the_union_of_a_tag_a_segment_and_users_has_each_of_them_once() -> None:
    simulation = Simulation(world=FakeWorld(SMALL))
    world = simulation.world
    world.users.stored.clear()
    world.users.has(*(_of_the_crowd(name) for name in CROWD))
    world.audiences.members[audiences.segment(7)] = {"user01", "user02", "user03"}
    world.audiences.members[audiences.tag(ALL, "vip")] = {"user05", "user07"}  # stale rows
    audience = {"tags": ("vip",), "segment": 7, "userids": ("user04", "user07", "nobody")}
    world.records.of(GROUPS[Family.SEGMENT]).put(Group(Family.SEGMENT, 7, SHOP, "few", "manual"))
    submit.submit(world.ports, replace(simulation.request(), **audience))
    simulation.run()
    targets = [target for chunk in simulation.chunks() for target in chunk.plan.targets]
    people = TAGGED | {"user01", "user02", "user03", "user04", "user07", "nobody"}
    assert Counter(target.id for target in targets) == Counter(people)
    assert [t.id for t in targets if t.loss is TargetLoss.UNKNOWN_USER] == ["nobody"]
