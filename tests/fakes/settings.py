"""What operators configure, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

from chalicelib.domain.channels import AccessChannel, Channel
from chalicelib.domain.errors import Conflict
from chalicelib.domain.strategy import Strategy
from chalicelib.domain.templates import Template
from tests.fakes.steps import Steps


class FakeAdministration:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.access_keys: dict[str, str] = {}  # access key -> SHA-256 of its secret
        self._access: dict[str, AccessChannel] = {}
        self._channels: dict[str, Channel] = {}
        self._templates: dict[int, dict[int, Template]] = {}
        self._strategies: dict[int, tuple[str, str, Strategy]] = {}
        self._numbers: Counter[str] = Counter()

    # -- readings

    def access_channel(self, key: str) -> AccessChannel | None:
        with self.steps.around("settings.access_channel", write=False):
            return deepcopy(self._access.get(key))

    def channel(self, code: str) -> Channel | None:
        with self.steps.around("settings.channel", write=False):
            return deepcopy(self._channels.get(code))

    def template(self, number: int) -> Template | None:
        with self.steps.around("settings.template", write=False):
            versions = self._templates.get(number)
            return deepcopy(versions[max(versions)]) if versions else None

    def strategy(self, number: int) -> tuple[str, Strategy] | None:
        with self.steps.around("settings.strategy", write=False):
            found = self._strategies.get(number)
            return (found[0], found[2]) if found else None

    def channels(self) -> Sequence[Channel]:
        with self.steps.around("settings.channels", write=False):
            return deepcopy([c for _, c in sorted(self._channels.items())])

    def access_key_hash(self, access_key: str) -> str | None:
        with self.steps.around("settings.access_key_hash", write=False):
            return self.access_keys.get(access_key)

    def access_channels(self) -> Sequence[AccessChannel]:
        with self.steps.around("settings.access_channels", write=False):
            return deepcopy([c for _, c in sorted(self._access.items())])

    def templates(self, channel_key: str) -> Sequence[Template]:
        with self.steps.around("settings.templates", write=False):
            newest = [versions[max(versions)] for _, versions in sorted(self._templates.items())]
            return deepcopy([t for t in newest if t.channel_key == channel_key])

    def strategies(self, channel_key: str) -> Sequence[tuple[int, str, Strategy]]:
        with self.steps.around("settings.strategies", write=False):
            return [(n, name, s) for n, (key, name, s) in sorted(self._strategies.items()) if key == channel_key]

    # -- writes

    def next_number(self, kind: str) -> int:
        with self.steps.around("settings.next_number", write=True):
            self._numbers[kind] += 1
            return self._numbers[kind]

    def put_access_channel(self, channel: AccessChannel) -> None:
        with self.steps.around("settings.put_access_channel", write=True):
            if channel.key in self._access or any(c.name == channel.name for c in self._access.values()):
                raise Conflict("an access channel with this key or name exists")
            self._access[channel.key] = deepcopy(channel)

    def authorise(self, key: str, code: str, enabled: bool | None) -> bool:
        with self.steps.around("settings.authorise", write=True):
            if key not in self._access:
                return False
            channels = {c: e for c, e in self._access[key].channels.items() if c != code}
            changed = channels if enabled is None else {**channels, code: enabled}
            self._access[key] = replace(self._access[key], channels=changed)
            return True

    def put_channel(self, channel: Channel) -> None:
        with self.steps.around("settings.put_channel", write=True):
            if channel.code in self._channels or any(c.name == channel.name for c in self._channels.values()):
                raise Conflict("a delivery channel with this code or name exists")
            self._channels[channel.code] = deepcopy(channel)

    def put_template(self, template: Template) -> None:
        with self.steps.around("settings.put_template", write=True):
            versions = self._templates.setdefault(template.number, {})
            if template.version in versions:
                raise Conflict("this version of the template exists")
            versions[template.version] = deepcopy(template)

    def put_strategy(self, number: int, channel_key: str, name: str, strategy: Strategy) -> None:
        with self.steps.around("settings.put_strategy", write=True):
            if number in self._strategies:
                raise Conflict("a strategy with this number exists")
            self._strategies[number] = (channel_key, name, strategy)
