"""Settings whose cached readings have ended are read again together, as they are now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.aws.cache import Cache
from chalicelib.aws.clock import Clock
from chalicelib.aws.messages import Messages
from chalicelib.aws.recordings import Recordings
from chalicelib.aws.records import RecordStore
from chalicelib.aws.templates import Templates
from chalicelib.aws.timers import Timers
from chalicelib.aws.users import Users
from chalicelib.config import settings
from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType
from chalicelib.ports import Settings, World
from tests.builders import a_channel, a_template, an_access_channel
from tests.contracts import faults
from tests.contracts.conftest import a_message


class Container:
    """The settings as a container sees them, which knows when their readings end."""

    def __init__(self, world: World, name: str, aws: Callable[[str], Any]) -> None:
        self.world, self.name, self.dynamodb = world, name, aws("dynamodb")
        self.number = world.templates.next_number()
        world.records.of(DELIVERY_CHANNELS).put(a_channel(name, ChannelType.SMS))
        self.template = a_template(self.number, channel_key=name)
        world.templates.put(self.template)
        self.now = 0.0
        cache = Cache(now=lambda: self.now)
        self.settings = Settings(RecordStore(cache), Templates(cache))
        timers, users = Timers(Clock()), Users(world.vault)  # type: ignore[arg-type]
        messages = Messages(world.vault, timers)  # type: ignore[arg-type]
        self.recordings = Recordings(timers, messages, users, cache)
        self.read()
        self.now += settings().settings_cache

    def read(self) -> tuple[object, object, object]:
        settings = self.settings
        return (
            settings.channel(self.name),
            settings.access_channel(self.name),
            settings.template(self.number),
        )

    def read_again(self) -> tuple[tuple[object, object, object], list[str]]:
        """Return what is read now, and the requests for it."""
        with faults.counted(self.dynamodb) as calls:
            return self.read(), list(calls)


@pytest.fixture
def container(real: World, unique: str, aws: Callable[[str], Any]) -> Container:
    return Container(real, unique, aws)


def test_what_has_not_changed_is_read_again_with_one_request(container: Container) -> None:
    known = (a_channel(container.name, ChannelType.SMS), None, container.template)
    assert container.read_again() == (known, ["BatchGetItem"])
    assert container.read_again() == (known, [])


def test_a_new_version_of_a_template_and_a_new_access_channel_are_seen(
    container: Container,
) -> None:
    access, template = an_access_channel(container.name), replace(container.template, version=2)
    container.world.records.of(ACCESS_CHANNELS).put(access)
    container.world.templates.put(template)
    expected = (a_channel(container.name, ChannelType.SMS), access, template)
    assert container.read_again() == (expected, ["BatchGetItem", "Query"])


def test_an_archived_template_and_a_deleted_channel_are_gone(container: Container) -> None:
    channels = container.world.records.of(DELIVERY_CHANNELS)
    stored = channels.get(container.name)
    assert stored is not None
    channels.delete(stored)
    container.world.templates.put(replace(container.template, version=2, archived=True))
    assert container.read_again() == ((None, None, None), ["BatchGetItem", "Query"])


def test_settings_that_have_ended_come_along_when_messages_are_read(container: Container) -> None:
    message = a_message("ann")
    container.world.messages.create(message, None, None)
    template = replace(container.template, version=2)
    container.world.templates.put(template)
    with faults.counted(container.dynamodb) as calls:
        container.recordings.read([message.msgid], ["ann"])
        assert container.settings.channel(container.name)
        assert container.settings.access_channel(container.name) is None
    assert calls == ["BatchGetItem"]
    assert container.settings.template(container.number) == template
