"""Wherever the worker of a batch of single sends is ended, nothing is lost or sent twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS
from chalicelib.domain.facts import FactKind
from chalicelib.domain.plans import CallState
from chalicelib.domain.strategies import Strategy
from chalicelib.domain.users import User
from chalicelib.reports import message as report
from tests.builders import a_strategy, a_user
from tests.fakes.steps import Killed
from tests.fakes.world import limits_of
from tests.profiles import examples
from tests.simulation.singles import Singles, finished
from tests.simulation.world import PEOPLE, UNKNOWN

STEPS = (
    a_strategy("app"),
    a_strategy("app", "sms", within=60),
    a_strategy("app", "sms", "email", within=60),
)
FOUR = ("ann", "bob", "fay", "cem")
EVERYBODY = (*(person.userid for person in PEOPLE), UNKNOWN)


def singles(
    people: Sequence[str] = FOUR,
    strategy: Strategy = STEPS[0],
    *,
    tokens: bool = True,
    early: bool = False,
) -> Singles:
    simulation = Singles(strategy=strategy, people=people, early=early)
    if not tokens:
        simulation.world.providers.push.can(token_life=None)
    return simulation


def killed_everywhere(make: Callable[[], Singles]) -> None:
    """Try each step of the whole way, before and after its effect."""
    sample = finished(make())
    assert not sample.deaths
    for number in sample.world.kills:
        simulation = make()
        simulation.world.kill_at(number)
        finished(simulation)


@pytest.mark.parametrize("userid", EVERYBODY)
@pytest.mark.parametrize("strategy", STEPS, ids=("one", "two", "three"))
def test_a_message_to_one_person_loses_nothing_wherever_its_worker_is_ended(
    userid: str, strategy: Strategy
) -> None:
    killed_everywhere(lambda: singles([userid], strategy))


@pytest.mark.parametrize("tokens", [True, False])
@pytest.mark.parametrize("early", [True, False])
def test_a_batch_loses_nothing_wherever_its_worker_is_ended(tokens: bool, early: bool) -> None:
    killed_everywhere(lambda: singles(tokens=tokens, early=early))


def test_a_batch_whose_steps_follow_loses_nothing_wherever_a_worker_is_ended() -> None:
    killed_everywhere(lambda: singles(strategy=STEPS[1], tokens=False))


@pytest.mark.parametrize(
    "limit",
    [
        {"quotas": {"push": 2}},
        {"options": {"calls_per_second": 1}},
        {"options": {"calls_per_second": 0.004}},  # ten minutes for the third one
    ],
)
def test_a_batch_that_must_wait_loses_nothing_wherever_its_worker_is_ended(limit: Any) -> None:
    def waiting() -> Singles:
        simulation = Singles(strategy=STEPS[0], people=FOUR, **limit)
        simulation.world.providers.push.can(token_life=None)  # a wait for quota outlives tokens
        simulation.world.limits = limits_of(quota_ticks=1440)
        return simulation

    killed_everywhere(waiting)


def change_and_kill(simulation: Singles, kill: str | None, to: User, _: int, name: str) -> None:
    if name == kill:
        simulation.world.users.has(to)
        simulation.world.spare()
        raise Killed(name)


@pytest.mark.parametrize("kill", [None, "ledger.put_plan.done", "ledger.begin.done"])
def test_a_person_who_changes_between_two_workers_has_one_plan(kill: str | None) -> None:
    """The first worker finds no push, the second one does, and the other way round."""
    without, having = (
        a_user("dan", text="1004"),
        a_user("dan", push=("reg-dan-silent",), text="1004"),
    )
    for first, second in ((without, having), (having, without)):
        simulation = singles(["dan"], STEPS[1])
        simulation.world.users.has(first)

        simulation.world.on_step = partial(change_and_kill, simulation, kill, second)
        finished(simulation)
        sms = simulation.world.providers.text.sent()
        assert sms == {"1004": 1}


@examples(60)
@given(
    seed=st.integers(0, 10**6),
    kills=st.lists(st.integers(0, 400), max_size=5),
    twice=st.booleans(),
    early=st.booleans(),
    tokens=st.booleans(),
)
def test_many_accidents_in_any_order(
    seed: int, kills: list[int], twice: bool, early: bool, tokens: bool
) -> None:
    simulation = singles(EVERYBODY, STEPS[2], tokens=tokens, early=early)
    simulation.twice, simulation.order = twice, random.Random(seed)
    simulation.world.kill_at(*kills)
    finished(simulation)


def test_receipts_that_come_before_their_batch_is_written_are_kept() -> None:
    """The provider posts while the batch is still under way."""
    simulation = singles(early=True)

    def post_at_once(number: int, name: str) -> None:
        if name == "provider.send.done":
            simulation._collect_receipts()
            simulation._post_what_is_due()

    simulation.world.on_step = post_at_once
    finished(simulation)
    assert simulation.world.lookups.waiting
    assert simulation.contacts("push", FactKind.DELIVERED) == {"reg-ann", "reg-fay"}


def test_a_job_before_its_message_waits_and_that_of_no_message_dies_out() -> None:
    simulation = singles()
    begun: list[int] = []

    def end_request(number: int, name: str) -> None:
        if name == "messages.create":
            begun.append(number)
            if len(begun) == 2:  # the second sender is never told that it was accepted
                raise Killed(name)
            simulation._next()

    simulation.world.on_step = end_request
    finished(simulation)
    assert len(simulation.world.messages.stored) == 3
    assert not simulation.world.queues.waiting


def withdrawn_at(step: int | None, kill: int | None = None) -> Singles:
    """Withdraw all messages at a step of the work on them, or before it. Then end the worker."""
    simulation = singles()
    simulation.submit()
    world, begun = simulation.world, len(simulation.world.log)

    def act(number: int, name: str) -> None:
        if number == (step or 0) + begun:
            world.spare()
            simulation.withdraw_all()
            if kill:
                raise Killed(name)

    world.on_step = act
    simulation.run()
    world.spare()
    return simulation


def check_withdrawn(simulation: Singles) -> None:
    """Check that each delivery was either sent or is withdrawn, and that it says so."""
    for msgid, key in simulation.msgids.items():
        shown = report.message(simulation.world.ports, key, msgid)
        assert (shown["status"], shown["balanced"]) == ("withdrawn", True), shown
        assert shown["progress"]["unsubmitted"] == shown["progress"]["undecided"] == 0, shown
    planned = {c for chunk in simulation.chunks() for c in chunk.plan.contacts[0]["push"]}
    sent = planned & set(simulation.world.providers.push.sent().elements())
    assert max(simulation.world.providers.push.sent().values(), default=0) <= 1
    submitted = simulation.contacts("push", FactKind.SUBMITTED)
    assert submitted <= sent <= submitted | set(simulation.unknown("push"))
    results = simulation.contacts("push", FactKind.WITHDRAWN, FactKind.WITHDRAW_FAILED)
    assert submitted <= results


@pytest.mark.parametrize("kill", [False, True])
def test_a_message_withdrawn_at_any_step_is_either_sent_or_withdrawn(kill: bool) -> None:
    sample = singles()
    sample.submit()
    begun = len(sample.world.log)
    sample._next()
    for step in range(len(sample.world.log) - begun):
        check_withdrawn(withdrawn_at(step, kill))


def test_a_withdrawal_that_is_ended_anywhere_is_carried_out_or_never_was() -> None:
    sample = singles()
    sample.submit()
    begun = len(sample.world.log)
    sample.withdraw_all()
    for number in [number for number in sample.world.kills if number >= begun]:
        simulation = singles()
        simulation.submit()
        simulation.world.kill_at(number)
        simulation.withdraw_all()
        simulation.run()
        simulation.world.spare()
        withdrawn = [id for id in simulation.msgids if simulation.world.messages.withdrawn(id)]
        assert len(withdrawn) >= 3
        simulation.msgids = {id: key for id, key in simulation.msgids.items() if id in withdrawn}
        check_withdrawn(simulation)


def test_a_single_send_is_withdrawn_when_its_request_is_answered() -> None:
    simulation = singles()
    simulation.submit()
    simulation.withdraw_all()
    assert len(simulation.contacts("push", FactKind.WITHDRAWN)) == 5
    for chunk in simulation.chunks():
        assert {call.state for call in chunk.calls.values()} == {CallState.CLOSED}
    simulation.run()
    assert not simulation.world.providers.push.calls


@pytest.mark.parametrize("failing", ["recordings.read", "queues.send"])
def test_what_fails_for_a_batch_at_once_is_done_again(failing: str) -> None:
    simulation = singles(strategy=STEPS[1])
    simulation.submit()
    failures: list[int] = []

    def fail(number: int, name: str) -> None:
        if name == failing and len(failures) < 3:
            failures.append(number)
            raise Killed(name) if failing == "queues.send" else OSError(name)

    simulation.world.on_step = fail
    simulation.run()
    simulation.check()
    assert len(failures) == 3


def operations(simulation: Singles, begun: int) -> Counter[str]:
    return Counter(name for name in simulation.world.log[begun:] if not name.endswith(".done"))


@pytest.mark.parametrize(("tokens", "writes"), [(True, 1), (False, 4)])
def test_a_batch_of_four_reads_once_and_writes_once(tokens: bool, writes: int) -> None:
    """Without tokens each answer is written before the next call."""
    simulation = singles(tokens=tokens)
    simulation.world.recordings.torn = False
    simulation.submit()
    begun = len(simulation.world.log)
    simulation._next()
    done = operations(simulation, begun)
    cached = ("provider", "records")  # settings are cached
    assert {n: number for n, number in done.items() if not n.startswith(cached)} == {
        "recordings.read": 1,
        "ledger.begin": 4,
        "recordings.put": writes,
    }


def test_timers_of_further_steps_are_written_with_the_answers() -> None:
    simulation = singles(strategy=STEPS[1])
    simulation.world.recordings.torn = False
    simulation.submit()
    begun = len(simulation.world.log)
    simulation._next()
    done = operations(simulation, begun)
    assert (done["recordings.put"], done["timers.set"]) == (1, 0)
    assert len(simulation.world.timers.waiting()) == 4


@pytest.mark.parametrize("strategy", STEPS, ids=("one", "two", "three"))
def test_people_go_on_to_the_next_step_where_the_first_ones_channel_was_deleted(
    strategy: Strategy,
) -> None:
    simulation = singles(strategy=strategy)
    simulation.submit()
    simulation.world.records.of(DELIVERY_CHANNELS).stored.pop("push")
    simulation.run()
    assert not simulation.world.providers.push.sent()
    assert simulation.contacts("push", FactKind.EXPIRED) == {
        *("reg-ann", "reg-bob-silent", "reg-fay", "reg-fay2-silent", "reg-cem-silent")
    }
    texts = {"1001", "1002", "1003-silent"} if len(strategy.steps) > 1 else set()
    assert simulation.contacts("text", FactKind.SUBMITTED) == texts
