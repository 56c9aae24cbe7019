"""Templates in memory, and settings that tests can fill in a line."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, Channel
from chalicelib.domain.errors import Conflict
from chalicelib.domain.strategies import STRATEGIES, Strategy, StrategyEntry
from chalicelib.domain.templates import Template
from chalicelib.ports import Settings
from tests.fakes.copies import copy_of
from tests.fakes.records import part
from tests.fakes.steps import Steps


class FakeTemplates:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self._stored: dict[int, dict[int, Template]] = {}
        self._last_number = 0

    def get(self, number: int) -> Template | None:
        with self.steps.around("templates.get", write=False):
            return self._newest(number)

    def version(self, number: int, version: int) -> Template | None:
        with self.steps.around("templates.version", write=False):
            template = self._stored.get(number, {}).get(version)
            return copy_of(template) if template and not template.archived else None

    def versions(self, number: int, *, after: int = 0, limit: int = 0) -> Sequence[Template]:
        with self.steps.around("templates.versions", write=False):
            versions = [
                template
                for _, template in sorted(self._stored.get(number, {}).items())
                if not template.archived
            ]
            return copy_of(part(versions, lambda template: template.version, after, limit))

    def list(self, channel_key: str, *, after: int = 0, limit: int = 0) -> Sequence[Template]:
        with self.steps.around("templates.list", write=False):
            newest = (self._newest(number) for number in sorted(self._stored))
            listed = [
                template for template in newest if template and template.channel_key == channel_key
            ]
            return part(listed, lambda template: template.number, after, limit)

    def put(self, template: Template) -> None:
        with self.steps.around("templates.put", write=True):
            versions = self._stored.setdefault(template.number, {})
            if template.version in versions:
                raise Conflict("this version of the template exists")
            versions[template.version] = copy_of(template)

    def next_number(self) -> int:
        with self.steps.around("templates.next_number", write=True):
            self._last_number += 1
            return self._last_number

    def _newest(self, number: int) -> Template | None:
        versions = self._stored.get(number)
        newest = versions[max(versions)] if versions else None
        return copy_of(newest) if newest and not newest.archived else None


class FakeSettings(Settings):
    """Settings with a line for each thing that most tests set up."""

    def put_access_channel(self, channel: AccessChannel) -> None:
        self.records.of(ACCESS_CHANNELS).put(channel)

    def put_channel(self, channel: Channel) -> None:
        self.records.of(DELIVERY_CHANNELS).put(channel)

    def update_channel(self, before: Channel, after: Channel) -> None:
        self.records.of(DELIVERY_CHANNELS).update(before, after)

    def put_template(self, template: Template) -> None:
        self.templates.put(template)

    def put_strategy(self, number: int, channel_key: str, name: str, strategy: Strategy) -> None:
        self.records.of(STRATEGIES).put(StrategyEntry(number, channel_key, name, strategy))
