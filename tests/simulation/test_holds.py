"""A message on hold starts by itself, once, and is lost nowhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.flow import receipts, submit, withdraw
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules.quiet_hours import RULE
from tests.builders import SHOP, an_access_channel, at_once
from tests.fakes.clock import START
from tests.profiles import examples
from tests.simulation.test_scanned_audiences import Scanned
from tests.simulation.test_withdraw import check_chunks, is_withdrawn
from tests.simulation.world import Simulation, finished

UNTIL = START + 23 * 3600 * 1000


def quiet(begin: str, end: str) -> AccessChannel:
    """Return an access channel that is quiet on each day."""
    window = {"begin": begin, "end": end, "time_zone": "Etc/UTC", "priorities": [1, 2, 3]}
    return an_access_channel(rules={RULE: {"action": "hold", "windows": [window]}})


HOLDING = quiet("08:00", "07:00")  # from START on


@dataclass
class Held(Simulation):
    """A message in quiet hours."""

    def request(self) -> SendRequest:
        return replace(super().request(), channel=HOLDING)


@dataclass
class Crowd(Held, Scanned):
    """A message in quiet hours to a scanned audience."""


@dataclass
class Watched(Held):
    """A message whose chunks are planned when its hold has ended."""

    def check(self) -> None:
        assert not self.is_early()
        super().check()

    def is_early(self) -> bool:
        message = self.world.messages.stored[self.msgid or ""]
        return any(chunk.plan.time < message.starts for chunk in self.chunks())


MAKERS: dict[str, Callable[..., Simulation]] = {"named": Watched, "scanned": Crowd}


def a_simulation(kind: str, **options: object) -> Simulation:
    return MAKERS[kind](**options)


@pytest.mark.parametrize("kind", MAKERS)
def test_nothing_is_planned_before_the_hold_ends(kind: str) -> None:
    simulation = a_simulation(kind)
    simulation.submit()
    assert simulation.msgid
    assert not simulation.world.queues.sent
    assert not simulation.world.ledger.partitions
    assert simulation.world.timers.started == [UNTIL]
    shown = Simulation.report(simulation)
    assert (shown["status"], shown["held_until"]) == ("accepted", UNTIL)
    assert shown["hold_reason"] == "quiet_hours"
    simulation.run()
    simulation.check()
    planned = [chunk.plan.time for chunk in simulation.chunks()]
    assert UNTIL <= min(planned) <= UNTIL + 60_000


def test_contacts_that_a_held_message_names_are_kept_for_it() -> None:
    simulation = Simulation()
    contacts = {ChannelType.SMS: ("13900001111",), ChannelType.APP: ("reg-1", "reg-2")}
    para = {"template_para": {"name": "you"}, "app_para": {"platform": "all"}}
    request = SendRequest(channel=HOLDING, contacts=contacts, template=1, **para)  # type: ignore[arg-type]
    submit.submit(simulation.world.ports, request)
    simulation.run()
    assert set(simulation.world.providers.text.sent()) == {"13900001111"}
    assert set(simulation.world.providers.push.sent()) == {"reg-1", "reg-2"}


def test_its_history_and_its_withdrawal_count_from_the_start() -> None:
    simulation = Held()
    simulation.submit()
    message = simulation.world.messages.stored[simulation.msgid or ""]
    assert message.expires == UNTIL // 1000 + message.strategy.length + 7 * 86400
    simulation.world.clock.time = UNTIL + withdraw.WITHIN * 1000
    simulation.withdraw()
    assert is_withdrawn(simulation)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("is_due", [False, True])
def test_a_message_that_is_withdrawn_while_it_is_held_sends_nothing(
    kind: str, is_due: bool
) -> None:
    simulation = a_simulation(kind)
    simulation.submit()
    if is_due:
        simulation.world.clock.time = UNTIL - 1000
    simulation.withdraw()
    simulation.run()
    assert simulation.world.timers.waiting() == []
    assert not simulation.world.providers.push.calls
    assert Simulation.report(simulation)["status"] == "withdrawn"


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("part", range(4))
def test_a_worker_ended_at_any_step_loses_nothing_and_repeats_nothing(kind: str, part: int) -> None:
    sample = a_simulation(kind)
    sample.submit()
    sample.run()
    for number in sample.world.kills[part :: 4 if kind == "named" else 8]:
        simulation = a_simulation(kind)
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        if simulation.msgid is not None:
            simulation.check()


@examples(40)
@given(
    seed=st.integers(0, 10**6),
    after=st.integers(0, 12),
    kills=st.lists(st.integers(0, 250), max_size=5),
    twice=st.booleans(),
)
def test_a_withdrawal_among_accidents_leaves_nothing_open(
    seed: int, after: int, kills: list[int], twice: bool
) -> None:
    simulation = Watched(order=random.Random(seed), twice=twice)
    simulation.world.kill_at(*kills)
    simulation.submit()
    for _ in range(after):
        simulation._next()
    if simulation.msgid is None:
        return
    simulation.withdraw()
    simulation.run()
    simulation.world.spare()
    if is_withdrawn(simulation):
        check_chunks(simulation, simulation.msgid)
    else:
        simulation.check()


# -- steps


@dataclass
class Nightly(Simulation):
    """A strategy whose second step becomes due in quiet hours.

    They were moved since the message was accepted, which they would have held.
    """

    until: int = START + 4 * 3600 * 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        self.world.records.of(ACCESS_CHANNELS).stored[SHOP] = quiet("08:00", "12:00")

    def request(self) -> SendRequest:
        return replace(super().request(), channel=quiet("13:00", "14:00"))

    def check(self) -> None:
        super().check()
        for chunk in self.chunks():
            assert all(entrants.time >= self.until for entrants in chunk.entrants)


def test_a_step_that_becomes_due_meanwhile_waits_for_the_end() -> None:
    simulation = finished(Nightly())
    entered = [entrants.time for chunk in simulation.chunks() for entrants in chunk.entrants]
    assert simulation.until <= min(entered) <= simulation.until + 60_000  # type: ignore[attr-defined]
    checks = [t for t in simulation.world.log if t == "timers.set"]
    assert len(checks) < 12, "it does not ask again and again"


def test_a_receipt_that_comes_while_the_step_waits_cancels_it() -> None:
    simulation = Nightly()
    simulation.submit()
    while simulation.world.clock.now() < START + 3600 * 1000 and simulation._next():
        pass
    push = simulation.world.providers.push
    late = [t for t in push.taken if "silent" in t.contact]
    reports = [
        Receipt(t.provider_id, ReceiptKind.DELIVERED, START + 3600 * 1000, t.contact) for t in late
    ]
    receipts.record(simulation.world.ports, "push", reports)
    simulation.run()
    assert set(simulation.world.providers.text.sent()) == {"1004"}, "bob and cem were reached"


@pytest.mark.parametrize("part", range(4))
def test_a_worker_ended_at_any_step_loses_no_step_that_waits(part: int) -> None:
    sample = finished(Nightly())
    for number in sample.world.kills[part::4]:
        simulation = Nightly()
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        if simulation.msgid is not None:
            simulation.check()


def test_a_message_of_one_step_has_no_rules_of_steps() -> None:
    simulation = Nightly(strategy=at_once("app", "sms", "email"))
    simulation.submit()
    assert simulation.world.messages.stored[simulation.msgid or ""].step_rules == ()
