"""The items of a copy that a stage should get back, where it lacks them.

A row that leads to a user or a record comes back with that, and never alone. Somebody may have left
a set, or renamed a record, since then. People who were erased since then stay erased. People who
opted out since then stay away, until they are uploaded anew. Members and keys that were ended since
then stay ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.groups import GROUPS, Family
from chalicelib.domain.logins import LOGINS
from chalicelib.domain.members import MEMBERS

Item = dict[str, Any]

BESIDE = ("list", "name")  # rows of `settings` that lead to a record
ENDED = (MEMBERS.name, LOGINS.name)
REFUSED = "refused"  # the partition of opt-outs in `audiences`
OPT_OUT = "of_"  # prefix of its attributes, each with the time of an opt-out
ERASURE = "/users/{userid}/erasure"
CLOCKS = timedelta(minutes=1)  # by which the clocks of functions and of DynamoDB may differ
SETS = {
    "list": GROUPS[Family.LIST].name,
    "list-contacts": GROUPS[Family.LIST].name,
    "segment": GROUPS[Family.SEGMENT].name,
}


class Lost:
    """The memory of missing users and records, which decides about what leads to them."""

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.erased: set[str] = set()
        self._records: set[tuple[str, str]] = set()  # kind and key
        self._names: set[tuple[str, str]] = set()  # kind and name

    def record(self, item: Item) -> bool:
        """Tell if an item of `settings` that is missing comes back, and remember it."""
        kind, *rest = keys.split(item["pk"]["S"])
        if kind in ENDED:
            return False
        self._records.add((kind, rest[-1] if rest else kind))
        if "name" in item:
            self._names.add((kind, item["name"]["S"]))
        return True

    def erase(self, userids: set[str]) -> None:
        """Let nothing of erased people come back."""
        self.erased |= userids
        self.users -= userids

    def leave_out(self, userids: set[str]) -> set[str]:
        """Let no missing user of these come back. Return those that would have."""
        left_out = self.users & userids
        self.users -= left_out
        return left_out

    def has_record_of(self, row: Item) -> bool:
        """Tell if a row of `settings` leads to a record that is missing."""
        what, kind, *rest = keys.split(row["pk"]["S"])
        if what == "list":
            return (kind, keys.split(row["sk"]["S"])[0]) in self._records
        return (kind, rest[-1]) in self._names

    def comes_back(self, row: Item) -> bool:
        """Decide about a row of `audiences` that is missing."""
        kind, *rest = keys.split(row["pk"]["S"])
        sk = row["sk"]["S"]
        if kind in SETS:
            userid = sk.partition(keys.SEPARATOR)[2]
            has_set = (SETS[kind], rest[0]) in self._records
            return userid not in self.erased and (has_set or userid in self.users)
        if kind == "tag":
            return sk.partition(keys.SEPARATOR)[2] in self.users
        if kind == "contact":
            return sk in self.users
        if kind == "consents":  # they do not say whose they are
            return not self.erased
        return kind in ("tags", REFUSED)


def is_beside(item: Item) -> bool:
    return keys.split(item["pk"]["S"])[0] in BESIDE


def erasures(dynamodb: Any, settings: str, at: datetime) -> Iterator[str]:
    """Yield people that were erased since a moment, as the audit log of the stage says."""
    since = at - CLOCKS
    for month in _months(since, max(datetime.now(UTC), at) + CLOCKS):
        pages = dynamodb.get_paginator("query").paginate(
            TableName=settings,
            ConsistentRead=True,
            KeyConditionExpression="pk = :month AND sk >= :since",
            ExpressionAttributeValues={
                ":month": {"S": keys.join("audit", month)},
                ":since": {"S": f"{int(since.timestamp() * 1000):013d}"},
            },
        )
        for page in pages:
            for entry in page["Items"]:
                if entry["route"]["S"].endswith(ERASURE):
                    yield json.loads(entry["ids"]["S"])["userid"]


def opted_out(dynamodb: Any, audiences: str, copy: str, at: datetime) -> Iterator[str]:
    """Yield people with a contact that has opted out since a moment. Their copies do not say so.

    A provider may tell later when somebody opted out. So opt-outs that the copy lacks count, too.
    """
    since = int((at - CLOCKS).timestamp() * 1000)
    before = {row["sk"]["S"]: _times(row) for row in _partition(dynamodb, copy, REFUSED)}
    for row in _partition(dynamodb, audiences, REFUSED):
        contact = row["sk"]["S"]
        known = before.get(contact, frozenset())
        # Below 0 is an opt-in.
        if any(time > 0 and (time >= since or (of, time) not in known) for of, time in _times(row)):
            owners = _partition(dynamodb, copy, f"contact{keys.SEPARATOR}{contact}")
            yield from (owner["sk"]["S"] for owner in owners)


def _times(row: Item) -> frozenset[tuple[str, int]]:
    """Return access channels with the time of an opt-out, or below 0 of an opt-in."""
    return frozenset((of, int(row[of]["N"])) for of in row if of.startswith(OPT_OUT))


def _partition(dynamodb: Any, table: str, pk: str) -> Iterator[Item]:
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": pk}},
    )
    return (item for page in pages for item in page["Items"])


def _months(first: datetime, last: datetime) -> Iterator[str]:
    """Yield the months of the audit log between two moments."""
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        yield f"{year}-{month:02d}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
