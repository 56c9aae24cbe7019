"""Platforms that a long-lived worker serves: its queues, and where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import Invalid, Throttled
from chalicelib.domain.jobs import DeliverJob
from chalicelib.flow import deliver, submit
from chalicelib.flow.requests import SendRequest
from chalicelib.manage import delivery_channels
from chalicelib.ports import World
from tests.builders import a_channel, a_template, a_user, an_access_channel
from tests.fakes.world import LIMITS, FakeWorld

SMS = ChannelType.SMS


@pytest.fixture
def fake() -> FakeWorld:
    """Its SMS provider is served by a worker that the stage runs."""
    fake = FakeWorld(replace(LIMITS, workers=("tower",)))
    fake.providers.text.capabilities = replace(fake.providers.text.capabilities, worker="tower")
    return fake


def accept(fake: FakeWorld, *kinds: str) -> str:
    fake.settings.put_access_channel(an_access_channel())
    for code in ("push", "text"):
        fake.settings.put_channel(a_channel(code))
    fake.settings.put_template(a_template(channels=kinds))
    fake.users.has(a_user("ann", push=("reg",), text="13800138000"))
    access = fake.settings.access_channel("shop")
    assert access is not None
    request = SendRequest(
        channel=access,
        userids=("ann",),
        template=1,
        template_para={"name": "Ann"},
        app_para={"platform": "all"},
        priority=Priority.HIGH,
    )
    return submit.submit(fake.ports, request)


def test_jobs_of_its_channels_go_to_its_queues(fake: FakeWorld) -> None:
    accept(fake, "sms")
    (job,) = fake.queues.sent
    assert isinstance(job.job, DeliverJob)
    assert (job.worker, job.channel_type, job.priority) == ("tower", SMS, Priority.HIGH)


def test_jobs_of_other_channels_do_not(fake: FakeWorld) -> None:
    accept(fake, "app")
    assert [job.worker for job in fake.queues.sent] == [""]


def test_what_was_accepted_keeps_its_queues_when_the_platform_changes(fake: FakeWorld) -> None:
    msgid = accept(fake, "sms")
    message = fake.messages.get(msgid)
    assert message is not None
    assert message.workers == {"text": "tower"}


def test_what_is_postponed_comes_back_to_the_worker(fake: FakeWorld) -> None:
    accept(fake, "sms")
    job = fake.queues.take()
    assert job is not None
    fake.providers.text.fail(Throttled("8", retry_after=3))
    deliver.deliver(fake.ports, job.job)  # type: ignore[arg-type]
    assert [(again.worker, again.delay) for again in fake.queues.sent[1:]] == [("tower", 3)]


def order(world: World) -> None:
    delivery_channels.add(
        world,
        delivery_channels.ChannelOrder(
            code="c", name="n", type=SMS, platform="text", credentials={"key": "k"}
        ),
    )


def test_a_channel_is_refused_where_its_worker_does_not_run(fake: FakeWorld) -> None:
    with pytest.raises(Invalid) as refused:
        order(replace(fake.ports, limits=LIMITS))
    assert refused.value.field == "platform"
    assert "tower" in refused.value.reason
    assert fake.settings.channels() == []


def test_a_channel_is_made_where_its_worker_runs(fake: FakeWorld) -> None:
    order(fake.ports)
    assert [channel.code for channel in fake.settings.channels()] == ["c"]
