"""Interactions: what facts say of users, once, whatever comes again or in another order."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from chalicelib.domain.callbacks import Events
from chalicelib.domain.envelopes import decode_chunk_job, encode
from chalicelib.domain.facts import Fact
from chalicelib.domain.jobs import InteractionsJob
from chalicelib.domain.traces import DAY, Interaction
from chalicelib.flow import draft, interactions
from chalicelib.flow.interactions import RULE
from chalicelib.flow.requests import SendRequest
from chalicelib.manage import access_channels
from tests.builders import SHOP
from tests.fakes.clock import START
from tests.fakes.steps import Killed
from tests.simulation.world import Simulation


class Followed(Simulation):
    """A message of an access channel that keeps interactions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        access_channels.set_rule(self.world.ports, SHOP, None, RULE, {})

    def request(self) -> SendRequest:
        access = self.world.settings.access_channel(SHOP)
        assert access is not None
        return replace(super().request(), channel=access)


@pytest.fixture
def sent() -> Followed:
    simulation = Followed()
    simulation.submit()
    simulation.run()
    return simulation


def news(simulation: Followed) -> list[Events]:
    """Return the facts of all chunks as the stream would bring them, one by one."""
    told = []
    for chunk in simulation.chunks():
        for ref, state in chunk.states.items():
            told += [
                Events(chunk.plan.id, (Fact(ref, kind, fact.time, fact.code),))
                for kind, fact in state.facts.items()
            ]
    return told


def work(simulation: Followed, *, twice: bool = False) -> None:
    while (envelope := simulation.world.queues.take()) is not None:
        job = decode_chunk_job(encode(envelope.job))
        assert isinstance(job, InteractionsJob)
        for _ in range(2 if twice else 1):
            try:
                interactions.keep(simulation.world.ports, job)
            except Killed:
                simulation.world.spare()
                simulation.world.queues.back(envelope, 60)
                simulation.world.clock.advance(60)
                break


def kept(simulation: Followed) -> dict[str, list[Interaction]]:
    rows = simulation.world.traces.interacted
    return {userid: sorted(row.kind for row in rows[SHOP, userid]) for _, userid in sorted(rows)}


EVERYTHING = ["delivered", "sent"]


@pytest.mark.parametrize("twice", [False, True])
def test_what_was_sent_and_delivered_is_kept_for_each_user(sent: Followed, twice: bool) -> None:
    told = news(sent)
    random.Random(7).shuffle(told)
    interactions.collect(sent.world.ports, [*told, *told] if twice else told)
    work(sent, twice=twice)
    reached = {userid for userid, kinds in kept(sent).items() if kinds == EVERYTHING}
    assert {"ann", "cem", "dan", "eva"} <= reached
    assert "gus" not in kept(sent)
    row = next(iter(sent.world.traces.interacted[SHOP, "ann"]))
    assert (row.template, row.topic, row.day) == (1, 0, START // DAY)


def test_nothing_is_missing_wherever_a_worker_is_ended(sent: Followed) -> None:
    interactions.collect(sent.world.ports, news(sent))
    begun = len(sent.world.log)
    work(sent)
    expected, steps = kept(sent), len(sent.world.log) - begun
    for step in range(steps):
        sent.world.traces.interacted.clear()
        interactions.collect(sent.world.ports, news(sent))
        sent.world.kill_at(len(sent.world.log) + step)
        work(sent)
        assert kept(sent) == expected, step


def test_a_message_that_is_gone_tells_nothing(sent: Followed) -> None:
    interactions.collect(sent.world.ports, news(sent))
    sent.world.messages.stored.clear()
    work(sent)
    assert kept(sent) == {}


def test_only_messages_to_users_of_an_access_channel_that_wants_it_are_followed() -> None:
    simulation = Followed()
    request = simulation.request()
    ports = simulation.world.ports
    assert draft.draft(ports, request).message.retention.followed
    access_channels.set_rule(ports, SHOP, None, RULE, None)
    request = simulation.request()
    assert not draft.draft(ports, request).message.retention.followed


def test_a_clock_that_is_wrong_does_not_reach_into_the_future(sent: Followed) -> None:
    chunk = sent.chunks()[0]
    ref, state = next((r, s) for r, s in chunk.states.items() if s.facts)
    kind = next(iter(state.facts))
    for time, day in ((START + 900 * DAY, sent.world.clock.now() // DAY), (0, START // DAY)):
        sent.world.traces.interacted.clear()
        interactions.collect(sent.world.ports, [Events(chunk.plan.id, (Fact(ref, kind, time),))])
        work(sent)
        assert [row.day for rows in sent.world.traces.interacted.values() for row in rows] == [day]
