"""Groups, members and the audit log: small items of the table `settings`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.aws import settings_table
from chalicelib.aws.items import put_once, to_item
from chalicelib.aws.settings import Cache
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.groups import Family, Group
from chalicelib.domain.members import Member, Role


class Groups:
    """Implements ports.Groups."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def put(self, group: Group) -> None:
        with self._cache.forgotten():
            settings_table.put_new(_group_item(group), _group_entry(group), _group_name(group))

    def get(self, family: Family, number: int) -> Group | None:
        pk = keys.join("group", family.value, number)
        return self._cache.get(pk, lambda: _group(settings_table.read(pk)))

    def update(self, before: Group, after: Group) -> None:
        freed, taken = (
            ([], []) if before.name == after.name else ([_group_name(before)], [_group_name(after)])
        )
        with self._cache.forgotten():
            settings_table.replace(_group_item(after), after.version, freed, taken)

    def delete(self, group: Group) -> None:
        with self._cache.forgotten():
            settings_table.remove(
                _group_key(group), group.version, [_group_entry(group), _group_name(group)]
            )

    def list(
        self, family: Family, channel_key: str, after: int = 0, limit: int = 0
    ) -> Sequence[Group]:
        def item(entry: settings_table.Row) -> tuple[str, str]:
            return keys.join("group", family.value, int(entry["sk"])), "-"

        return [
            g
            for row in settings_table.listed(
                keys.join(family.value, channel_key), item, after, limit
            )
            if (g := _group(row))
        ]


def _group_key(group: Group) -> str:
    return keys.join("group", group.family.value, group.number)


def _group_item(group: Group) -> dict[str, Any]:
    values: settings_table.Values = {
        "channel_key": group.channel_key,
        "name": group.name,
        "kind": group.kind,
        "version": group.version,
    }
    return to_item({"pk": _group_key(group), "sk": "-", **values})


def _group_entry(group: Group) -> dict[str, Any]:
    return settings_table.entry(
        keys.join(group.family.value, group.channel_key), keys.join(group.number)
    )


def _group_name(group: Group) -> dict[str, Any]:
    return settings_table.name_row(keys.join(group.family.value, group.channel_key), group.name)


def _group(row: Mapping[str, Any] | None) -> Group | None:
    if row is None:
        return None
    _, family, number = keys.split(row["pk"])
    return Group(
        Family(family), int(number), row["channel_key"], row["name"], row["kind"], row["version"]
    )


class Members:
    """Implements ports.Members. A global key of the deployment is an item with nothing but the hash of its secret."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def get(self, key: str) -> Member | None:
        pk = keys.join("access-key", key)
        return self._cache.get(pk, lambda: _member(settings_table.read(pk)))

    def put(self, member: Member) -> None:
        with self._cache.forgotten():
            settings_table.put_new(
                _member_item(member), settings_table.entry("access-key", member.key)
            )

    def update(self, member: Member) -> None:
        with self._cache.forgotten():
            settings_table.replace(_member_item(member), member.version)

    def delete(self, member: Member) -> None:
        with self._cache.forgotten():
            settings_table.remove(
                keys.join("access-key", member.key),
                member.version,
                [settings_table.entry("access-key", member.key)],
            )

    def list(self, after: str = "", limit: int = 0) -> Sequence[Member]:
        return [
            m for row in settings_table.named("access-key", after, limit) if (m := _member(row))
        ]


def _member_item(member: Member) -> dict[str, Any]:
    values: settings_table.Values = {
        "name": member.name,
        "role": member.role.value,
        "secret_hash": member.secret_hash,
        "enabled": int(member.enabled),
        "version": member.version,
    }
    return to_item({"pk": keys.join("access-key", member.key), "sk": "-", **values})


def _member(row: Mapping[str, Any] | None) -> Member | None:
    if row is None:
        return None
    role, enabled = Role(row.get("role", Role.ADMINISTRATOR)), bool(row.get("enabled", 1))
    return Member(
        keys.split(row["pk"])[1],
        row.get("name", ""),
        role,
        row["secret_hash"],
        enabled,
        row.get("version", 1),
    )


class Audit:
    """Implements ports.Audit: one partition per month."""

    def write(self, change: AuditEntry) -> None:
        values: settings_table.Values = {
            "key": change.key,
            "member": change.member,
            "method": change.method,
            "route": change.route,
            "status": change.status,
            "ids": json.dumps(dict(change.ids)),
        }
        put_once(
            table("settings"),
            to_item({"pk": keys.join("audit", change.month), "sk": change.id, **values}),
        )

    def list(self, month: str, before: str = "", limit: int = 0) -> Sequence[AuditEntry]:
        return [
            _change(row)
            for row in settings_table.query(
                keys.join("audit", month), before=before, limit=limit, newest_first=True
            )
        ]


def _change(row: Mapping[str, Any]) -> AuditEntry:
    time, _, suffix = str(row["sk"]).partition("-")
    return AuditEntry(
        int(time),
        suffix,
        row["key"],
        row["member"],
        row["method"],
        row["route"],
        json.loads(row["ids"]),
        row["status"],
    )
