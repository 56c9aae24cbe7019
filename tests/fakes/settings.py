"""What operators configure, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.domain.strategies import Strategy, StrategyEntry
from chalicelib.domain.templates import Template
from tests.fakes.copies import copy_of
from tests.fakes.steps import Steps

T = TypeVar("T")


class FakeAdministration:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self._access: dict[str, AccessChannel] = {}
        self._channels: dict[str, Channel] = {}
        self._templates: dict[int, dict[int, Template]] = {}
        self._strategies: dict[int, StrategyEntry] = {}
        self._numbers: Counter[str] = Counter()

    # -- readings

    def access_channel(self, key: str) -> AccessChannel | None:
        with self.steps.around("settings.access_channel", write=False):
            return copy_of(self._access.get(key))

    def channel(self, code: str) -> Channel | None:
        with self.steps.around("settings.channel", write=False):
            return copy_of(self._channels.get(code))

    def template(self, number: int) -> Template | None:
        with self.steps.around("settings.template", write=False):
            return self._newest(number)

    def _newest(self, number: int) -> Template | None:
        versions = self._templates.get(number)
        newest = versions[max(versions)] if versions else None
        return copy_of(newest) if newest and not newest.archived else None

    def template_version(self, number: int, version: int) -> Template | None:
        with self.steps.around("settings.template_version", write=False):
            found = self._templates.get(number, {}).get(version)
            return copy_of(found) if found and not found.archived else None

    def template_versions(self, number: int, after: int = 0, limit: int = 0) -> Sequence[Template]:
        with self.steps.around("settings.template_versions", write=False):
            found = [
                t
                for version, t in sorted(self._templates.get(number, {}).items())
                if not t.archived and version > after
            ]
            return copy_of(found[:limit] if limit else found)

    def strategy(self, number: int) -> tuple[str, Strategy] | None:
        with self.steps.around("settings.strategy", write=False):
            found = self._strategies.get(number)
            return (found.channel_key, found.strategy) if found else None

    def strategy_entry(self, number: int) -> StrategyEntry | None:
        with self.steps.around("settings.strategy_entry", write=False):
            return self._strategies.get(number)

    def channels(self) -> Sequence[Channel]:
        with self.steps.around("settings.channels", write=False):
            return copy_of([c for _, c in sorted(self._channels.items())])

    def list_channels(self, after: str = "", limit: int = 0) -> Sequence[Channel]:
        return part(self.channels(), lambda c: c.code, after, limit)

    def access_channels(self, after: str = "", limit: int = 0) -> Sequence[AccessChannel]:
        with self.steps.around("settings.access_channels", write=False):
            return copy_of(
                part([c for _, c in sorted(self._access.items())], lambda c: c.key, after, limit)
            )

    def templates(self, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[Template]:
        with self.steps.around("settings.templates", write=False):
            newest = [t for number in sorted(self._templates) if (t := self._newest(number))]
            return part(
                [t for t in newest if t.channel_key == channel_key],
                lambda t: t.number,
                after,
                limit,
            )

    def strategies(
        self, channel_key: str, after: int = 0, limit: int = 0
    ) -> Sequence[StrategyEntry]:
        with self.steps.around("settings.strategies", write=False):
            mine = [
                entry
                for _, entry in sorted(self._strategies.items())
                if entry.channel_key == channel_key
            ]
            return part(mine, lambda entry: entry.number, after, limit)

    def forget(self) -> None:
        """Nothing is remembered here."""

    # -- writes

    def next_number(self, kind: str) -> int:
        with self.steps.around("settings.next_number", write=True):
            self._numbers[kind] += 1
            return self._numbers[kind]

    def put_access_channel(self, channel: AccessChannel) -> None:
        with self.steps.around("settings.put_access_channel", write=True):
            if channel.key in self._access or any(
                c.name == channel.name for c in self._access.values()
            ):
                raise Conflict("an access channel with this key or name exists")
            self._access[channel.key] = copy_of(channel)

    def update_access_channel(self, before: AccessChannel, after: AccessChannel) -> None:
        with self.steps.around("settings.update_access_channel", write=True):
            unchanged(self._access.get(after.key), after)
            if any(c.name == after.name and c.key != after.key for c in self._access.values()):
                raise Conflict("an access channel with this name exists")
            self._access[after.key] = replace(
                copy_of(after), channels=self._access[after.key].channels
            )

    def authorise(self, key: str, code: str, enabled: bool | None) -> bool:
        with self.steps.around("settings.authorise", write=True):
            if key not in self._access:
                return False
            channels = {c: e for c, e in self._access[key].channels.items() if c != code}
            changed = channels if enabled is None else {**channels, code: enabled}
            self._access[key] = replace(
                self._access[key], channels=changed, version=self._access[key].version + 1
            )
            return True

    def put_channel(self, channel: Channel) -> None:
        with self.steps.around("settings.put_channel", write=True):
            if channel.code in self._channels or any(
                c.name == channel.name for c in self._channels.values()
            ):
                raise Conflict("a delivery channel with this code or name exists")
            self._channels[channel.code] = copy_of(channel)

    def update_channel(self, before: Channel, after: Channel) -> None:
        with self.steps.around("settings.update_channel", write=True):
            unchanged(self._channels.get(after.code), after)
            if any(c.name == after.name and c.code != after.code for c in self._channels.values()):
                raise Conflict("a delivery channel with this name exists")
            self._channels[after.code] = copy_of(after)

    def delete_channel(self, channel: Channel) -> None:
        with self.steps.around("settings.delete_channel", write=True):
            unchanged(self._channels.get(channel.code), channel)
            del self._channels[channel.code]

    def put_template(self, template: Template) -> None:
        with self.steps.around("settings.put_template", write=True):
            versions = self._templates.setdefault(template.number, {})
            if template.version in versions:
                raise Conflict("this version of the template exists")
            versions[template.version] = copy_of(template)

    def put_strategy(self, number: int, channel_key: str, name: str, strategy: Strategy) -> None:
        with self.steps.around("settings.put_strategy", write=True):
            if number in self._strategies:
                raise Conflict("a strategy with this number exists")
            self._strategies[number] = StrategyEntry(number, channel_key, name, strategy)

    def update_strategy(self, entry: StrategyEntry) -> None:
        with self.steps.around("settings.update_strategy", write=True):
            unchanged(self._strategies.get(entry.number), entry)
            self._strategies[entry.number] = entry

    def delete_strategy(self, entry: StrategyEntry) -> None:
        with self.steps.around("settings.delete_strategy", write=True):
            unchanged(self._strategies.get(entry.number), entry)
            del self._strategies[entry.number]


def part(things: Sequence[T], id_of: Callable[[T], Any], after: str | int, limit: int) -> list[T]:
    """A page of what is in order."""
    found = [each for each in things if not after or id_of(each) > after]
    return found[:limit] if limit else found


def unchanged(stored: Any, wanted: Any) -> None:
    if stored is None or stored.version != wanted.version - 1:
        raise Stale("somebody else changed this meanwhile")
