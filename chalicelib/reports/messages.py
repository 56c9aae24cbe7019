"""List the messages of an access channel, with their state and figures."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain import figures as cells
from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.funnel import STAGES
from chalicelib.domain.messages import INLINE_TARGETS, Summary
from chalicelib.domain.notes import block_of
from chalicelib.domain.strategies import MAX_WITHIN
from chalicelib.domain.values import frozen
from chalicelib.flow import figures
from chalicelib.flow.rules import retention
from chalicelib.ports import World
from chalicelib.reports.statistics import funnel

# Seconds that a strategy may take. Messages are kept for that long, and some days.
LONGEST = len(ChannelType) * MAX_WITHIN

Line = Mapping[str, int]


@frozen
class Filter:
    """The messages to list. An empty field selects all."""

    status: str = ""
    template: int | None = None
    origin: str = ""
    owner: str = ""
    sender: str = ""
    text: str = ""  # in the name or the sender's number, without regard to case

    @property
    def is_empty(self) -> bool:
        return self == Filter()

    def takes(self, row: Row) -> bool:
        summary = row.summary
        texts = (summary.name.casefold(), summary.sendno.casefold())
        return (
            self.status in ("", row.status)
            and self.template in (None, summary.template[0])
            and self.origin in ("", summary.origin or "api")
            and self.owner in ("", summary.owner)
            and self.sender in ("", summary.sender)
            and any(self.text.casefold() in text for text in texts)
        )


@frozen
class Row:
    """A message of the list. `line` is None where its figures are not counted yet."""

    summary: Summary
    status: str
    line: Line | None

    @property
    def ended(self) -> int | None:
        """The time (ms) of the last fact of a message of which nothing is open any more."""
        if self.line is None or self.status not in ("finished", "withdrawn"):
            return None
        return keys.message_time(self.summary.msgid) + self.line.get(cells.LAST, 0) * 1000


def newest(
    world: World,
    channel_key: str,
    before: str,
    limit: int,
    since: int = 0,
    until: int | None = None,
) -> Sequence[Summary]:
    """Return an access channel's messages, newest first, from before a msgid on.

    These are the messages accepted from `since` (ms) to before `until`.
    Raises NotFound where there is no such channel.
    """
    channel = world.settings.access_channel(channel_key)
    if channel is None:
        raise NotFound("access channel")
    now = world.clock.now()
    oldest = now - (retention.days(world, channel) * 86400 + LONGEST) * 1000
    end = keys.message_id(now + 1 if until is None else min(until, now + 1), bytes(4))
    last = min(before, end) if before else end
    return world.messages.newest(channel_key, last, max(since, oldest), limit)


def page(
    world: World,
    channel_key: str,
    before: str,
    limit: int,
    times: tuple[int, int | None],
    chosen: Filter,
) -> tuple[Sequence[Row], str | None]:
    """Return a page of rows, and the msgid after which the next page begins, None at the end.

    A page that looks for few among many may have fewer rows than `limit`, and even none.
    """
    looked = limit if chosen.is_empty else world.limits.sizes.searched_messages
    summaries = newest(world, channel_key, before, looked + 1, *times)
    rows = [row for row in rows_of(world, summaries[:looked]) if chosen.takes(row)]
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1].summary.msgid
    is_last = len(summaries) <= looked
    return rows, None if is_last else summaries[looked - 1].msgid


def rows_of(world: World, summaries: Sequence[Summary]) -> list[Row]:
    """Return messages with their state and figures, with one request per 100 items."""
    endings = world.messages.endings([summary.msgid for summary in summaries])
    lines = _lines(world, summaries)
    return [
        Row(
            summary,
            "withdrawn" if summary.msgid in endings else status_of(lines.get(summary.msgid)),
            lines.get(summary.msgid),
        )
        for summary in summaries
    ]


def _lines(world: World, summaries: Sequence[Summary]) -> dict[str, Line]:
    small = [s.msgid for s in summaries if s.targets is not None and s.targets <= INLINE_TARGETS]
    large = [s.msgid for s in summaries if s.msgid not in small]
    blocks = {figures.block_key(block_of(msgid)) for msgid in small}
    shards = [figures.line_key(msgid, n) for msgid in large for n in range(figures.SHARDS)]
    documents = world.figures.load([*sorted(blocks), *shards])
    lines: dict[str, Counter[str]] = {}
    for (name, _), document in documents.items():
        if name in large:
            cells.gain(lines.setdefault(name, Counter()), document.body)
        else:
            lines.update(document.body.get("lines", {}))
    return dict(lines)


def status_of(line: Line | None) -> str:
    """Return the state of a message that is not withdrawn.

    The first chunk tells how many partitions have an end. Others may be counted before it.
    """
    known = line or {}
    is_planned = known.get("ends", 0) >= known.get("partitions", math.inf)
    if not known.get("planned") and not is_planned:
        return "accepted"
    left = known.get("open|undecided", 0) + known.get("open|unsubmitted", 0)
    return "sending" if left or not is_planned else "finished"


def funnel_of(line: Line) -> dict[str, Any]:
    """Return the figures of people, with their rates."""
    return funnel({stage: line.get(stage, 0) for stage in STAGES})
