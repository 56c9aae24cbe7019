"""Providers refuse a whole call because of somebody in it. The others get their message, once."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import Answer, OutgoingCall
from chalicelib.flow.delivery import refusals as rule
from chalicelib.providers import refusals
from tests.builders import a_strategy
from tests.fakes.providers import ScriptedProvider
from tests.profiles import examples
from tests.simulation.world import Simulation, finished

PHONES = ("1001", "1002", "1003-silent", "1004")
FIRST_SMS = a_strategy("sms", "app", "email")


def refuse(provider: ScriptedProvider, *bad: str, names: bool = False) -> None:
    """Let the provider refuse every call with one of these contacts."""

    def take(call: OutgoingCall) -> Answer:
        contacts = [recipient.contact for recipient in call.recipients]
        wrong = sorted(set(bad) & set(contacts))
        if not wrong:
            return provider.deliver(call)
        return Answer(
            refusals.refused(contacts, refusals.invalid("107"), wrong[:1] if names else ())
        )

    provider.instead = take


def a_simulation(*bad: str, names: bool = False, **fields: object) -> Simulation:
    simulation = Simulation(strategy=FIRST_SMS, **fields)  # type: ignore[arg-type]
    refuse(simulation.world.providers.text, *bad, names=names)
    refuse(simulation.world.providers.push, "reg-fay", names=names)
    return simulation


def check(simulation: Simulation, *bad: str) -> None:
    simulation.check()
    sent = simulation.world.providers.text.sent()
    assert sent == dict.fromkeys(set(PHONES) - set(bad), 1)
    assert simulation.contacts("text", FactKind.INVALID_TARGET) == set(bad)
    assert simulation.world.providers.push.sent()["reg-fay2-silent"] == 1
    assert simulation.contacts("push", FactKind.INVALID_TARGET) == {"reg-fay"}


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("bad", [PHONES[:1], PHONES[1:3], PHONES])
def test_one_refused_contact_loses_nobody_else(bad: Sequence[str], names: bool) -> None:
    simulation = a_simulation(*bad, names=names)
    simulation.submit()
    simulation.run()
    check(simulation, *bad)


@pytest.mark.parametrize("names", [True, False])
def test_a_worker_ended_at_any_step_of_a_split_call_sends_nothing_twice(names: bool) -> None:
    whole = finished(a_simulation("1002", names=names))
    for number in whole.world.kills:
        simulation = a_simulation("1002", names=names)
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        assert simulation.msgid is not None or not simulation.world.queues.sent, number
        if simulation.msgid is not None and not _is_unknown(simulation):
            check(simulation, "1002")


def _is_unknown(simulation: Simulation) -> bool:
    """A worker died between a claim and the answer: what it sent, nobody knows."""
    simulation.check()
    return bool(simulation.contacts("text", FactKind.UNKNOWN))


@examples(40)
@given(
    seed=st.integers(0, 10**6),
    kills=st.lists(st.integers(0, 250), max_size=4),
    bad=st.sets(st.sampled_from(PHONES)),
    names=st.booleans(),
    twice=st.booleans(),
)
def test_many_accidents_with_refusals(
    seed: int, kills: list[int], bad: set[str], names: bool, twice: bool
) -> None:
    simulation = a_simulation(*bad, names=names, order=random.Random(seed), twice=twice)
    simulation.world.kill_at(*kills)
    simulation.submit()
    simulation.run()
    if simulation.msgid is not None:
        simulation.check()


def test_a_withdrawn_message_goes_on_in_no_half() -> None:
    simulation = a_simulation("1002")
    simulation.submit()
    while not simulation.world.providers.text.calls:
        simulation._next()
    simulation.withdraw()
    simulation.run()
    assert not simulation.world.providers.text.sent()
    assert simulation.report()["status"] != "sending"


@pytest.mark.parametrize("size", [1, 2, 3, 99, 1000])
def test_a_call_ends_within_two_requests_for_each_of_its_contacts(size: int) -> None:
    """One that is halved down to single contacts has so many answers, whoever is refused."""
    calls, requests = [(size, 0)], 0
    while calls:
        count, tries = calls.pop()
        requests += 1
        outcomes = refusals.refused([str(n) for n in range(count)], refusals.invalid("9"))
        if rule.goes_on_in_halves(outcomes, tries):
            middle = (count + 1) // 2
            calls += [(middle, tries), (count - middle, tries)]
    assert requests == 2 * size - 1
