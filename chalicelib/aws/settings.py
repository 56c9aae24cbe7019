"""What operators configure. Reads are cached for SETTINGS_CACHE seconds: so long a revoked key may still work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from chalicelib.aws import settings_rows, settings_table
from chalicelib.aws.clients import client, error_code
from chalicelib.aws.items import Item, get_many, to_item
from chalicelib.aws.tables import table
from chalicelib.config import settings
from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.strategies import Strategy, StrategyEntry
from chalicelib.domain.templates import Template

T = TypeVar("T")
CACHED = 1000


class Cache:
    """What was read, for as long as SETTINGS_CACHE says."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, Any]] = {}

    def get(self, key: str, read: Callable[[], T]) -> T:
        now = time.monotonic()
        held = self._held.get(key)
        if held is None or held[0] <= now:
            if len(self._held) >= CACHED:
                self._held.clear()
            held = self._held[key] = (now + settings().settings_cache, read())
        value: T = held[1]
        return value

    def forget(self) -> None:
        self._held.clear()

    @contextmanager
    def forgotten(self) -> Iterator[None]:
        """For writes, also those that fail: what was known may be what they failed on."""
        try:
            yield
        finally:
            self.forget()


class Administration:
    """Implements ports.Settings and ports.Administration."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def forget(self) -> None:
        self._cache.forget()

    # -- reading

    def access_channel(self, key: str) -> AccessChannel | None:
        pk = keys.join("access", key)
        return self._cache.get(pk, lambda: settings_rows.access_channel(settings_table.read(pk)))

    def channel(self, code: str) -> Channel | None:
        pk = keys.join("channel", code)
        return self._cache.get(pk, lambda: settings_rows.channel(settings_table.read(pk)))

    def template(self, number: int) -> Template | None:
        def newest() -> Template | None:
            found = settings_table.query(keys.join("template", number), newest_first=True, limit=1)
            template = settings_rows.template(found[0]) if found else None
            return template if template and not template.archived else None

        return self._cache.get(f"template#{number}", newest)

    def template_version(self, number: int, version: int) -> Template | None:
        def read() -> Template | None:
            key = {"pk": keys.join("template", number), "sk": settings_rows.version_key(version)}
            found = [
                settings_rows.template(row)
                for row in get_many(table("settings"), [key], consistent=True)
            ]
            return found[0] if found and not found[0].archived else None

        return self._cache.get(f"template#{number}#{version}", read)

    def template_versions(self, number: int, after: int = 0, limit: int = 0) -> Sequence[Template]:
        found = settings_table.query(
            keys.join("template", number),
            after=settings_rows.version_key(after) if after else "",
            limit=limit,
        )
        return [t for row in found if not (t := settings_rows.template(row)).archived]

    def strategy(self, number: int) -> tuple[str, Strategy] | None:
        found = self._cache.get(f"strategy#{number}", lambda: self.strategy_entry(number))
        return (found.channel_key, found.strategy) if found else None

    def strategy_entry(self, number: int) -> StrategyEntry | None:
        return settings_rows.strategy_entry(settings_table.read(keys.join("strategy", number)))

    def channels(self) -> Sequence[Channel]:
        return self._cache.get("channels", self.list_channels)

    def list_channels(self, after: str = "", limit: int = 0) -> Sequence[Channel]:
        return [
            c
            for row in settings_table.named("channel", after, limit)
            if (c := settings_rows.channel(row))
        ]

    def access_channels(self, after: str = "", limit: int = 0) -> Sequence[AccessChannel]:
        return [
            a
            for row in settings_table.named("access", after, limit)
            if (a := settings_rows.access_channel(row))
        ]

    def templates(self, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[Template]:
        def newest(entry: settings_table.Row) -> tuple[str, str]:
            return keys.join("template", int(entry["sk"])), settings_rows.version_key(
                entry["version"]
            )

        return [
            settings_rows.template(row)
            for row in settings_table.listed(
                keys.join("template", channel_key), newest, after, limit
            )
        ]

    def strategies(
        self, channel_key: str, after: int = 0, limit: int = 0
    ) -> Sequence[StrategyEntry]:
        def item(entry: settings_table.Row) -> tuple[str, str]:
            return keys.join("strategy", int(entry["sk"])), "-"

        return [
            s
            for row in settings_table.listed(keys.join("strategy", channel_key), item, after, limit)
            if (s := settings_rows.strategy_entry(row))
        ]

    # -- writing

    def next_number(self, kind: str) -> int:
        answer = client("dynamodb").update_item(
            TableName=table("settings"),
            Key=to_item({"pk": keys.join("number", kind), "sk": "-"}),
            UpdateExpression="ADD #last :one",
            ExpressionAttributeNames={"#last": "last"},
            ExpressionAttributeValues=to_item({":one": 1}),
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["last"]["N"])

    def put_access_channel(self, channel: AccessChannel) -> None:
        granted = {"M": {code: {"N": str(int(on))} for code, on in channel.channels.items()}}
        plain = to_item(
            {
                "pk": keys.join("access", channel.key),
                "sk": "-",
                "version": channel.version,
                **settings_rows.access_values(channel),
            }
        )
        with self._cache.forgotten():
            settings_table.put_new(
                {**plain, "channels": granted},
                settings_table.entry("access", channel.key),
                settings_table.name_row("access", channel.name),
            )

    def update_access_channel(self, before: AccessChannel, after: AccessChannel) -> None:
        key = {"pk": keys.join("access", after.key), "sk": "-"}
        with self._cache.forgotten():
            settings_table.update(
                key,
                settings_rows.access_values(after),
                after.version,
                *_renamed("access", before.name, after.name),
            )

    def authorise(self, key: str, code: str, enabled: bool | None) -> bool:
        from botocore.exceptions import ClientError

        counted = "version = if_not_exists(version, :one) + :one"
        change = (
            f"REMOVE channels.#code SET {counted}"
            if enabled is None
            else f"SET channels.#code = :on, {counted}"
        )
        on = {} if enabled is None else {":on": int(enabled)}
        with self._cache.forgotten():
            try:
                client("dynamodb").update_item(
                    TableName=table("settings"),
                    Key=to_item({"pk": keys.join("access", key), "sk": "-"}),
                    UpdateExpression=change,
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeNames={"#code": code},
                    ExpressionAttributeValues=to_item({":one": 1, **on}),
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def put_channel(self, channel: Channel) -> None:
        item = {**settings_rows.channel_item(channel), **to_item({"version": channel.version})}
        with self._cache.forgotten():
            settings_table.put_new(
                item,
                settings_table.entry("channel", channel.code),
                settings_table.name_row("channel", channel.name),
            )

    def update_channel(self, before: Channel, after: Channel) -> None:
        with self._cache.forgotten():
            settings_table.replace(
                settings_rows.channel_item(after),
                after.version,
                *_renamed("channel", before.name, after.name),
            )

    def delete_channel(self, channel: Channel) -> None:
        freed = [
            settings_table.entry("channel", channel.code),
            settings_table.name_row("channel", channel.name),
        ]
        with self._cache.forgotten():
            settings_table.remove(keys.join("channel", channel.code), channel.version, freed)

    def put_template(self, template: Template) -> None:
        number = keys.join(template.number)
        entry = settings_table.entry(
            keys.join("template", template.channel_key), number, version=template.version
        )
        older: Item = {
            "ConditionExpression": f"{settings_table.NEW} OR version < :version",
            "ExpressionAttributeValues": to_item({":version": template.version}),
        }
        with self._cache.forgotten():
            if template.archived:
                settings_table.put_new(settings_rows.template_item(template), gone=[entry])
            else:
                settings_table.put_new(
                    settings_rows.template_item(template), others=[{"Item": entry, **older}]
                )

    def put_strategy(self, number: int, channel_key: str, name: str, strategy: Strategy) -> None:
        item = settings_rows.strategy_item(StrategyEntry(number, channel_key, name, strategy))
        with self._cache.forgotten():
            settings_table.put_new(
                item, settings_table.entry(keys.join("strategy", channel_key), keys.join(number))
            )

    def update_strategy(self, entry: StrategyEntry) -> None:
        with self._cache.forgotten():
            settings_table.replace(settings_rows.strategy_item(entry), entry.version)

    def delete_strategy(self, entry: StrategyEntry) -> None:
        freed = [
            settings_table.entry(keys.join("strategy", entry.channel_key), keys.join(entry.number))
        ]
        with self._cache.forgotten():
            settings_table.remove(keys.join("strategy", entry.number), entry.version, freed)


def _renamed(kind: str, before: str, after: str) -> tuple[list[Item], list[Item]]:
    """The rows of names that go and come."""
    return (
        ([], [])
        if before == after
        else ([settings_table.name_row(kind, before)], [settings_table.name_row(kind, after)])
    )
