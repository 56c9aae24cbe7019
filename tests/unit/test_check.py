"""Questions to a provider, asked by a delivery function for the API."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.channels import Channel, ChannelType
from chalicelib.domain.errors import Misconfigured, Rejected, Throttled, Unavailable, Uncertain
from chalicelib.domain.jobs import CheckJob
from chalicelib.flow import check
from chalicelib.flow.ports import World
from tests.fakes.providers import ScriptedSession
from tests.fakes.world import FakeWorld

CHECK = "0b6f" * 8


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    sealed = fake.credentials.seal_credentials({"key": "right"})
    fake.settings.put_channel(Channel("push", 1, "push", ChannelType.APP, "push", sealed, b"", "hash"))
    return fake


@pytest.fixture
def world(fake: FakeWorld) -> World:
    return fake.ports


def test_a_question_goes_to_the_queue_of_the_channels_type(fake: FakeWorld, world: World) -> None:
    channel = world.settings.channel("push")
    assert channel is not None
    asked = check.ask(world, channel)
    (sent,) = fake.queues.sent
    assert sent.job == CheckJob("push", asked)
    assert (sent.priority, sent.channel_type, sent.delay) == (1, ChannelType.APP, 0)
    assert check.ask(world, channel) != asked


@pytest.mark.parametrize("error", [Misconfigured, Rejected, Unavailable, Throttled, Uncertain])
def test_what_is_wrong_is_answered_in_the_providers_word(world: World, monkeypatch: pytest.MonkeyPatch, error: Any) -> None:
    def refuse(self: ScriptedSession) -> None:
        raise error("its_word")

    monkeypatch.setattr(ScriptedSession, "check", refuse)
    check.answer(world, CheckJob("push", CHECK))
    found = check.result(world, CHECK)
    assert found == check.Answered("its_word", error.__name__.lower())


def test_a_mistake_of_ours_is_no_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedSession, "check", lambda self: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        check.answer(world, CheckJob("push", CHECK))
    assert check.result(world, CHECK) is None


def test_a_channel_that_is_gone_is_an_answer_too(world: World) -> None:
    check.answer(world, CheckJob("nothing", CHECK))
    found = check.result(world, CHECK)
    assert found is not None
    assert (found.code, found.kind) == ("no_such_channel", "rejected")


def test_the_same_job_twice_is_answered_twice_and_the_later_answer_stands(fake: FakeWorld, world: World) -> None:
    check.answer(world, CheckJob("push", CHECK))
    channel = world.settings.channel("push")
    assert channel is not None
    fake.settings._channels.clear()
    check.answer(world, CheckJob("push", CHECK))
    found = check.result(world, CHECK)
    assert found is not None
    assert found.code == "no_such_channel"


def test_waiting_ends_when_the_answer_is_there(fake: FakeWorld, world: World) -> None:
    begun = fake.clock.now()
    fake.clock.while_asleep = [lambda: check.answer(world, CheckJob("push", CHECK))]
    assert check.wait(world, CHECK) == check.Answered()
    assert fake.clock.now() - begun == 200
