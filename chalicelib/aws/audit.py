"""The audit log as items of the table `settings`: one partition per month."""

from __future__ import annotations

import json
from collections.abc import Sequence

from chalicelib.aws import settings_table
from chalicelib.aws.items import Values, put_once, to_item
from chalicelib.aws.settings_table import Row
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.audit import Actor, AuditEntry


class Audit:
    """Implements ports.Audit."""

    def write(self, entry: AuditEntry) -> None:
        item: Values = {
            "pk": keys.join("audit", entry.month),
            "sk": entry.id,
            "key": entry.key,
            "member": entry.name,
            "actor": entry.actor.value,
            "method": entry.method,
            "route": entry.route,
            "status": entry.status,
            "ids": json.dumps(dict(entry.ids)),
        }
        put_once(table("settings"), to_item(item))

    def list(self, month: str, before: str = "", limit: int = 0) -> Sequence[AuditEntry]:
        rows = settings_table.query(
            keys.join("audit", month), before=before, limit=limit, newest_first=True
        )
        return [_decode(row) for row in rows]


def _decode(row: Row) -> AuditEntry:
    time, _, suffix = str(row["sk"]).partition("-")
    return AuditEntry(
        time=int(time),
        suffix=suffix,
        key=row["key"],
        name=row["member"],
        method=row["method"],
        route=row["route"],
        ids=json.loads(row["ids"]),
        status=row["status"],
        actor=Actor(row.get("actor", Actor.MEMBER)),  # older entries are all of members
    )
