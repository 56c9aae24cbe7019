"""Calls of one person each, in jobs of several: wherever a worker ends, nothing is lost."""

from __future__ import annotations

import pytest

from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import ProviderIds
from tests.simulation.world import Simulation, finished


def a_simulation(*, tokens: bool, early: bool = False, ids: ProviderIds) -> Simulation:
    simulation = Simulation(early=early)
    simulation.world.recordings.torn = True  # a request of several records is not atomic
    fakes = simulation.world.providers
    fakes.push.can(call_size=1, provider_ids=ids, token_life=86400 if tokens else None)
    fakes.text.can(call_size=1)
    simulation.submit()
    return simulation


@pytest.mark.parametrize("ids", [ProviderIds.PER_CALL, ProviderIds.PER_RECIPIENT])
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("tokens", [False, True])
def test_a_worker_ended_between_calls_leaves_one_unknown_at_most(
    tokens: bool, early: bool, ids: ProviderIds
) -> None:
    """With tokens it leaves none, as each call is made again with its token."""

    def made(number: int | None) -> Simulation:
        simulation = a_simulation(tokens=tokens, early=early, ids=ids)
        if number is not None:
            simulation.world.kill_at(number)
        simulation.run()
        simulation.check()
        return simulation

    whole = made(None)
    for number in whole.world.kills_around("provider.send", "recordings.put", "ledger.claim"):
        simulation = made(number)
        unknown = [simulation.contacts(code, FactKind.UNKNOWN) for code in ("push", "text")]
        assert sum(map(len, unknown)) <= 1
        assert not (tokens and unknown[0])
        reported = simulation.contacts("push", FactKind.DELIVERED)
        assert reported == {"reg-ann", "reg-fay"} - unknown[0]


def test_many_calls_end_as_one_call_does() -> None:
    many = a_simulation(tokens=True, ids=ProviderIds.PER_CALL)
    many.run()
    many.check()
    assert many.report()["funnel"] == finished(Simulation()).report()["funnel"]
