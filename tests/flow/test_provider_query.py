"""Questions to a provider, asked by a delivery function for the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import envelopes
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, Channel, ChannelType
from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    NotAuthorised,
    NoToken,
    NotServed,
    Rejected,
    Throttled,
    TokenUnsupported,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.jobs import Query, QueryJob
from chalicelib.domain.provider_io import Token, token_name
from chalicelib.flow import provider_query
from chalicelib.ports import World
from tests.builders import an_access_channel
from tests.fakes.clock import START
from tests.fakes.providers import ScriptedSession
from tests.fakes.world import LIMITS, FakeWorld

ID = "0b6f" * 8
JOB = QueryJob("push", Query.CHECK, ID)
TOKEN = Token("t0ken", START + 7_200_000, START + 7_000_000)
SHOP = an_access_channel(channels=("push",))


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    sealed = fake.credentials.seal_credentials({"key": "right"})
    fake.settings.put_channel(
        Channel("push", 1, "push", ChannelType.APP, "push", sealed, b"", "hash")
    )
    return fake


@pytest.fixture
def world(fake: FakeWorld) -> World:
    return fake.ports


@pytest.fixture
def channel(world: World) -> Channel:
    channel = world.settings.channel("push")
    assert channel is not None
    return channel


def answered(fake: FakeWorld) -> Any:
    """Return the work of a delivery function while the API waits."""

    def work() -> None:
        while (envelope := fake.queues.take()) is not None:
            assert isinstance(envelope.job, QueryJob)
            provider_query.answer(fake.ports, envelope.job)

    return work


@pytest.mark.parametrize("question", Query)
def test_a_question_survives_its_queue(question: Query) -> None:
    job = QueryJob("push", question, ID, "https://a.example/?b=c")
    assert envelopes.decode_channel(envelopes.encode(job)) == job


@pytest.mark.parametrize("wrong", ['"why"', "1", "null", "[]"])
def test_another_question_is_no_job(wrong: str) -> None:
    text = envelopes.encode(JOB)
    with pytest.raises(ValueError, match=r"not a|not a job"):
        envelopes.decode_channel(text.replace('"check"', wrong))


def test_a_question_goes_to_the_queue_of_the_channels_type(
    fake: FakeWorld, world: World, channel: Channel
) -> None:
    id = provider_query.ask(world, channel, Query.CHECK)
    (sent,) = fake.queues.sent
    assert sent.job == QueryJob("push", Query.CHECK, id)
    assert (sent.priority, sent.channel_type, sent.delay, sent.worker) == (
        1,
        ChannelType.APP,
        0,
        "",
    )
    assert provider_query.ask(world, channel, Query.CHECK) != id


def test_a_question_goes_to_the_worker_that_serves_the_platform(
    fake: FakeWorld, channel: Channel
) -> None:
    fake.providers.push.can(worker="w")
    fake.limits = replace(LIMITS, workers=("w",))
    provider_query.ask(fake.ports, channel, Query.CHECK)
    assert [envelope.worker for envelope in fake.queues.sent] == ["w"]


@pytest.mark.parametrize(
    ("worker", "types"), [("w", tuple(ChannelType)), ("", (ChannelType.SMS,)), ("", ())]
)
def test_what_the_stage_does_not_run_is_not_asked(
    fake: FakeWorld, channel: Channel, worker: str, types: tuple[ChannelType, ...]
) -> None:
    fake.providers.push.can(worker=worker)
    fake.limits = replace(LIMITS, channel_types=types)
    for question in Query:
        with pytest.raises(NotServed, match="this stage") as refused:
            provider_query.ask(fake.ports, channel, question)
        assert refused.value.field == "code"
    with pytest.raises(NotAuthorised, match="app"):
        provider_query.access_token(fake.ports, SHOP, ChannelType.APP)
    assert not fake.queues.sent


@pytest.mark.parametrize("error", [Misconfigured, Rejected, Unavailable, Throttled, Uncertain])
def test_what_is_wrong_is_answered_in_the_providers_word(
    fake: FakeWorld, world: World, error: Any
) -> None:
    def refuse(self: ScriptedSession) -> None:
        raise error("its_word")

    fake.providers.push.of_session["check"] = refuse
    provider_query.answer(world, JOB)
    assert provider_query.result(world, ID) == provider_query.QueryResult(
        "its_word", error.__name__.lower()
    )


def test_a_mistake_of_ours_is_no_answer(fake: FakeWorld, world: World) -> None:
    fake.providers.push.of_session["check"] = lambda self: 1 // 0
    with pytest.raises(ZeroDivisionError):
        provider_query.answer(world, JOB)
    assert provider_query.result(world, ID) is None


def test_the_first_answer_stands_however_often_the_job_comes(fake: FakeWorld, world: World) -> None:
    provider_query.answer(world, JOB)
    fake.records.of(DELIVERY_CHANNELS).stored.clear()
    provider_query.answer(world, JOB)
    assert provider_query.result(world, ID) == provider_query.QueryResult()


def test_waiting_ends_when_the_answer_is_there(fake: FakeWorld, world: World) -> None:
    begun = fake.clock.now()
    fake.clock.while_asleep = [lambda: provider_query.answer(world, JOB)]
    assert provider_query.wait(world, ID) == provider_query.QueryResult()
    assert fake.clock.now() - begun == 200


# -- authorisations


def test_the_page_of_an_authorisation_is_the_providers(
    fake: FakeWorld, world: World, channel: Channel
) -> None:
    fake.providers.push.can(authorisation=True)
    fake.providers.push.of_session["authorisation_link"] = lambda self, uri: (
        f"https://page.example/?then={uri}"
    )
    fake.clock.while_asleep = [answered(fake)]
    id = provider_query.ask(world, channel, Query.AUTHORISATION, "https://us.example/")
    assert provider_query.wait(world, id) == provider_query.QueryResult(
        link="https://page.example/?then=https://us.example/"
    )


def test_a_platform_without_a_page_is_not_asked_for_one(
    fake: FakeWorld, world: World, channel: Channel
) -> None:
    with pytest.raises(Invalid) as refused:
        provider_query.ask(world, channel, Query.AUTHORISATION, "https://us.example/")
    assert refused.value.field == "code"
    assert not fake.queues.sent
    provider_query.answer(world, QueryJob("push", Query.AUTHORISATION, ID))
    assert provider_query.result(world, ID) == provider_query.QueryResult(
        "no_authorisation", "rejected"
    )


# -- access tokens


def asked_token(world: World, access: AccessChannel = SHOP) -> Token:
    return provider_query.access_token(world, access, ChannelType.APP)


def test_a_token_that_lives_is_not_asked_for(
    fake: FakeWorld, world: World, channel: Channel
) -> None:
    world.tokens.write(token_name("push", channel.credentials_fingerprint), TOKEN)
    assert asked_token(world) == TOKEN
    assert not fake.queues.sent


def test_where_there_is_no_token_a_delivery_function_is_asked_once(
    fake: FakeWorld, world: World
) -> None:
    fake.providers.push.of_session["access_token"] = lambda self: TOKEN
    fake.clock.while_asleep = [lambda: None, lambda: None, answered(fake)]
    assert asked_token(world) == TOKEN
    jobs = [envelope.job for envelope in fake.queues.sent]
    assert [job.question for job in jobs if isinstance(job, QueryJob)] == [Query.TOKEN]


def test_the_token_of_other_credentials_is_not_given(
    fake: FakeWorld, world: World, channel: Channel
) -> None:
    world.tokens.write(token_name("push", channel.credentials_fingerprint), TOKEN)
    changed = replace(
        channel, sealed_credentials=fake.credentials.seal_credentials({"key": "another"}), version=2
    )
    fake.settings.update_channel(channel, changed)
    assert changed.credentials_fingerprint != channel.credentials_fingerprint
    with pytest.raises(NoToken):
        asked_token(world)


def test_a_token_is_waited_for_8_seconds_and_no_longer(fake: FakeWorld, world: World) -> None:
    begun = fake.clock.now()
    with pytest.raises(NoToken):
        asked_token(world)
    assert 8000 <= fake.clock.now() - begun < 9000


def test_a_provider_that_refuses_is_not_waited_for(fake: FakeWorld, world: World) -> None:
    def refuse(self: ScriptedSession) -> Token:
        raise Misconfigured("40013")

    fake.providers.push.of_session["access_token"] = refuse
    fake.clock.while_asleep, begun = [answered(fake)], fake.clock.now()
    with pytest.raises(NoToken, match="40013"):
        asked_token(world)
    assert fake.clock.now() - begun == 200


def test_an_account_whose_token_is_not_handed_on_says_so(fake: FakeWorld, world: World) -> None:
    fake.clock.while_asleep = [answered(fake)]
    with pytest.raises(TokenUnsupported) as error:
        asked_token(world)
    assert error.value.field == "type"


def test_without_a_channel_of_the_type_there_is_nobody_to_ask(world: World) -> None:
    with pytest.raises(NotAuthorised) as error:
        provider_query.access_token(world, SHOP, ChannelType.WECHATOA)
    assert error.value.channel_type is ChannelType.WECHATOA


def test_a_stored_token_is_not_handed_on_where_the_platform_does_not(
    fake: FakeWorld, world: World, channel: Channel
) -> None:
    """The account has authorised a third-party platform, whose token it is."""
    fake.providers.push.can(hands_on_token=False)
    world.tokens.write(token_name("push", channel.credentials_fingerprint), TOKEN)
    with pytest.raises(TokenUnsupported, match="push"):
        asked_token(world)
    assert not fake.queues.sent


def test_of_several_delivery_channels_the_first_that_hands_on_its_token_counts(
    fake: FakeWorld, world: World, channel: Channel
) -> None:
    fake.providers.text.can(hands_on_token=False)
    fake.settings.put_channel(
        replace(channel, code="another", number=2, name="another", platform="text")
    )
    world.tokens.write(token_name("another", channel.credentials_fingerprint), TOKEN)
    world.tokens.write(token_name("push", channel.credentials_fingerprint), TOKEN)
    access = an_access_channel(channels=("another", "push"))
    assert asked_token(world, access) == TOKEN
    with pytest.raises(TokenUnsupported):
        asked_token(world, an_access_channel(channels=("another",)))
