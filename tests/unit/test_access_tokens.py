from __future__ import annotations

import pytest

from chalicelib.domain.channels import ChannelType
from chalicelib.domain.errors import Refused
from chalicelib.domain.jobs import TokenJob
from chalicelib.domain.sending import Token
from chalicelib.flow import access_tokens, envelopes
from tests.builders import a_channel, an_access_channel
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

TOKEN = Token("t0ken", START + 7_200_000, START + 7_000_000)
ACCESS = an_access_channel(channels=("ding",))


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_channel(a_channel("ding", ChannelType.DINGTALK_CC))
    return fake


def test_one_that_lives_is_not_asked_for(fake: FakeWorld) -> None:
    fake.tokens.write("ding#access", TOKEN)
    assert access_tokens.token(fake.ports, ACCESS, ChannelType.DINGTALK_CC, lambda _: None) == TOKEN
    assert not fake.queues.sent


def test_where_there_is_none_a_delivery_function_is_asked_once(fake: FakeWorld) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            fake.tokens.write("ding#access", TOKEN)

    assert access_tokens.token(fake.ports, ACCESS, ChannelType.DINGTALK_CC, sleep) == TOKEN
    (envelope,) = fake.queues.sent
    assert envelope.job == TokenJob("ding")
    assert envelopes.decode_channel(envelopes.encode(envelope.job)) == envelope.job


def test_it_is_waited_for_8_seconds_and_no_longer(fake: FakeWorld) -> None:
    slept: list[float] = []
    with pytest.raises(Refused) as error:
        access_tokens.token(fake.ports, ACCESS, ChannelType.DINGTALK_CC, slept.append)
    assert (error.value.code, error.value.status) == (1019052, 503)
    assert 7 < sum(slept) <= 8


def test_the_delivery_function_asks_the_provider(fake: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tests.fakes.providers.ScriptedSession.access_token", lambda session: fake.tokens.write(f"{session.account.code}#access", TOKEN)
    )
    access_tokens.fetch(fake.ports, TokenJob("ding"))
    assert fake.tokens.read("ding#access") == TOKEN
    access_tokens.fetch(fake.ports, TokenJob("gone"))
