"""Figures: what a part of the messages adds to each quarter of an hour, by names of counters.

A part is a chunk of a message, or a block: the small messages of a few seconds. A part's figures
are a pure function of its facts. What a part adds now less what it has added before is the
difference, which goes to the cells. A cell is an access channel in a quarter of an hour.

Names of counters are parts joined by `|`:

    requests                         messages accepted
    users|<stage>                    people, by stage of the funnel
    lost|<loss>                      people lost before sending, by reason
    channel|<type>|<code>|<stage>    deliveries of a delivery channel, also `opened` and others
    loss|<type>|<code>|<reason>      deliveries lost, by reason
    template|<n>|<stage>             people of a template, by stage, also `cost`
    latency|<type>|<code>|<bucket>   receipts, by the time since their submission
    cost|<type>|<code>               millionths of the currency, of what was submitted
    optout|<type>|<way>              opt-outs, also `template|<n>|opted_out`
    reported|<stage>                 people, in the quarter in which it was reported
    reported|<type>|<code>|<stage>   deliveries, in the quarter in which it was reported

`requests` stands in the quarter of acceptance, and `reported` in that of the report. Opt-outs
stand in the quarter in which they were recorded. All others stand in that in which the message was
sent: accepted, or the end of its hold.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import NamedTuple

from chalicelib.domain import elements, keys
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryState, FactKind
from chalicelib.domain.funnel import (
    STAGES,
    Counts,
    count,
    losses_of,
    refused,
    reported_at,
    stages_of,
)
from chalicelib.domain.messages import Message
from chalicelib.domain.notes import OptOut
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.strategies import MAX_WITHIN
from chalicelib.domain.values import frozen

QUARTER = 900_000  # ms: every zone is ahead of UTC by whole quarters of an hour
DEPLOYMENT = "*"  # the key of all access channels together
# ms: facts are counted as reported within so long after their message, whatever a provider says
LATEST = (len(ChannelType) * MAX_WITHIN + 60 * 86400) * 1000
BUCKETS_PER_DOUBLING = 4  # of the time to a receipt, so a percentile is exact to a fifth

REASONS = 1000  # of losses that a document tells apart by their codes
_LOSS = "loss|"

REPORTED = (FactKind.DELIVERED, FactKind.CLICKED)


TOTALS = (
    "requests",
    *(f"users|{stage}" for stage in STAGES),
    *(f"deliveries|{stage}" for stage in STAGES),
    "cost",
)


LAST = "last"  # in a line: seconds from the message's id to its latest fact
LINE = -1  # in the place of a quarter: the line of a message, which is the key


class Cell(NamedTuple):
    """A quarter of an hour of an access channel, or of the deployment.

    The line of a large message in the list is a cell, too.
    """

    key: str
    quarter: int  # since the epoch

    @property
    def begins(self) -> int:
        return self.quarter * QUARTER


Figures = dict[Cell, Counter[str]]


@frozen
class Part:
    """A part of the messages, with the figures that it adds to cells.

    `seen` is the number of its facts, which only grows.
    """

    key: tuple[str, str]
    seen: int
    figures: Mapping[Cell, Mapping[str, int]]
    expires: int  # epoch seconds, long after its last recount
    lines: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of small messages
    unit: ChunkId | None = None  # of fact files, see fact_files.py


def quarter_of(time: int) -> int:
    return time // QUARTER


def of_request(message: Message) -> Figures:
    """Count the message itself, which was accepted."""
    return {Cell(message.channel_key, quarter_of(message.accepted)): Counter(requests=1)}


def of_opt_out(opt_out: OptOut) -> Figures:
    """Count an opt-out, also for the template of the message that offered it."""
    counts = Counter({f"optout|{opt_out.channel_type}|{opt_out.way}": 1})
    if opt_out.template:
        counts[f"template|{opt_out.template}|opted_out"] = 1
    return {Cell(opt_out.channel_key, quarter_of(opt_out.time)): counts}


def of_line(message: Message, chunk: Chunk, counts: Counts | None = None) -> Counter[str]:
    """Count the people of a chunk for the message's line in the list, and what is still open.

    `counts`: those of the chunk, if they are known.
    """
    counts = counts or count(message, chunk)
    line = Counter({stage: counts.users.get(stage, 0) for stage in STAGES})
    line.update({f"open|{name}": number for name, number in counts.open.items()})
    line.update({"ends": counts.ends, "cost": sum(counts.costs.values())})
    line[LAST] = _seconds_to_last(message, chunk)
    if chunk.plan.id.number == 0:
        line["partitions"] = message.audience.partitions
    return +line


def _seconds_to_last(message: Message, chunk: Chunk) -> int:
    """Return the seconds to the latest fact. A provider's clock may be anything."""
    lasted = min(chunk.last - keys.message_time(message.msgid), LATEST)
    return math.ceil(max(0, lasted) / 1000)


def gain(total: Counter[str], counts: Mapping[str, int]) -> None:
    """Add counts. Of two times of a latest fact, the later one stays."""
    last = max(total[LAST], counts.get(LAST, 0))
    total.update(counts)
    if last:
        total[LAST] = last


def of_chunk(message: Message, chunk: Chunk) -> Figures:
    """Count a chunk. Everything follows from its facts, in whatever order they came."""
    figures: defaultdict[Cell, Counter[str]] = defaultdict(Counter)
    sent = figures[Cell(message.channel_key, quarter_of(message.starts))]
    people: defaultdict[int, list[DeliveryState]] = defaultdict(list)
    templated = bool(message.template[0])
    for _, _, ref in chunk.refs(message):
        state = chunk.state_of(ref)
        people[ref.target].append(state)
        channel = _channel(message, ref.channel)
        sent.update(f"channel|{channel}|{stage}" for stage in stages_of(state))
        sent.update(f"loss|{channel}|{reason}" for reason in losses_of(state))
        sent.update(f"latency|{channel}|{bucket}" for bucket in _latency(state))
        if state.cost:
            sent[f"cost|{channel}"] += state.cost
            sent.update({f"template|{message.template[0]}|cost": state.cost} if templated else {})
        for stage, time in _reported([state]):
            figures[_cell(message, time)][f"reported|{channel}|{stage}"] += 1
    for _, _, code, reason in refused(message, chunk):
        channel = _channel(message, code)
        sent.update((f"channel|{channel}|planned", f"loss|{channel}|{reason}"))
    _count_people(message, chunk, people, sent)
    for states in people.values():
        for stage, time in _reported(states):
            figures[_cell(message, time)][f"reported|{stage}"] += 1
    return {cell: counts for cell, counts in figures.items() if counts}


def _count_people(
    message: Message,
    chunk: Chunk,
    people: Mapping[int, Iterable[DeliveryState]],
    sent: Counter[str],
) -> None:
    users = Counter(planned=len(chunk.plan.targets), valid=len(chunk.plan.valid))
    for states in people.values():
        reached = {stage for state in states for stage in stages_of(state)}
        users.update(reached & {"submitted", "delivered", "clicked"})
    for stage, number in users.items():
        sent[f"users|{stage}"] += number
        if message.template[0]:
            sent[f"template|{message.template[0]}|{stage}"] += number
    sent.update(f"lost|{target.loss.value}" for target in chunk.plan.targets if target.loss)


def _channel(message: Message, code: str) -> str:
    return f"{message.channels[code].value}|{elements.channel_of(code)}"


def _reported(states: Iterable[DeliveryState]) -> Iterator[tuple[str, int]]:
    """Yield the stages that deliveries have reached after submission, with the first report."""
    known = list(states)
    for kind in REPORTED:
        times = [time for state in known if (time := reported_at(state, kind)) is not None]
        if times:
            yield kind.value, min(times)


def _cell(message: Message, time: int) -> Cell:
    """Return the cell of a report. A provider's clock may be anything."""
    within = min(max(time, message.accepted), message.accepted + LATEST)
    return Cell(message.channel_key, quarter_of(within))


def _latency(state: DeliveryState) -> Iterator[int]:
    submitted, delivered = (
        state.facts.get(kind) for kind in (FactKind.SUBMITTED, FactKind.DELIVERED)
    )
    if submitted is not None and delivered is not None:
        yield bucket_of(delivered.time - submitted.time)


def bucket_of(ms: int) -> int:
    """Return the bucket of a time. Bucket 0 is up to a second, each holds a fifth more."""
    return max(0, math.ceil(BUCKETS_PER_DOUBLING * math.log2(max(ms, 1) / 1000)))


def seconds_of(bucket: int) -> float:
    """Return the longest time of a bucket, in seconds."""
    return float(2 ** (bucket / BUCKETS_PER_DOUBLING))


def percentile(buckets: Mapping[int, int], share: float) -> float | None:
    """Return the seconds within which this share of the receipts came, None without any."""
    left = math.ceil(sum(buckets.values()) * share)
    for bucket, number in sorted(buckets.items()):
        left -= number
        if left <= 0 and number:
            return seconds_of(bucket)
    return None


def folded(difference: Mapping[str, int], into: Mapping[str, int]) -> Counter[str]:
    """Return a difference without the codes of new losses where counts have very many reasons.

    A vendor's codes may be any texts, and a document holds 400 KB. Sums stay as they are.
    """
    reasons = sum(name.startswith(_LOSS) for name in into)
    kept = Counter[str]()
    for name, number in difference.items():
        is_new = name.startswith(_LOSS) and name not in into and name not in kept
        reasons += is_new
        kept[_without_code(name) if is_new and reasons > REASONS else name] += number
    return kept


def shortened(counts: Mapping[str, int]) -> Counter[str]:
    """Return counts without the codes of rare losses where they have very many reasons."""
    losses = sorted((n for n in counts if n.startswith(_LOSS)), key=lambda n: (-counts[n], n))
    rare = {*losses[REASONS:]}
    kept = Counter[str]()
    for name, number in counts.items():
        kept[_without_code(name) if name in rare else name] += number
    return kept


def _without_code(name: str) -> str:
    return name.partition(":")[0]


def totals(counts: Mapping[str, int]) -> list[int]:
    """Return the counters of `TOTALS`. Deliveries are those of all delivery channels."""
    sums = Counter(counts)
    for name, number in counts.items():
        if name.startswith("channel|"):
            sums[f"deliveries|{name.rpartition('|')[2]}"] += number
        elif name.startswith("cost|"):
            sums["cost"] += number
    return [sums[name] for name in TOTALS]


def added(figures: Iterable[Mapping[Cell, Mapping[str, int]]]) -> Figures:
    """Return the sum of figures."""
    total: defaultdict[Cell, Counter[str]] = defaultdict(Counter)
    for part in figures:
        for cell, counts in part.items():
            gain(total[cell], counts)
    return dict(total)


def less(
    now: Mapping[Cell, Mapping[str, int]], before: Mapping[Cell, Mapping[str, int]]
) -> Figures:
    """Return what must be added to `before` to make it `now`."""
    changed: Figures = {}
    for cell in sorted({*now, *before}):
        new, old = now.get(cell, {}), before.get(cell, {})
        names = {name for name in {*new, *old} if new.get(name, 0) != old.get(name, 0)}
        if names:
            changed[cell] = Counter({n: new.get(n, 0) - old.get(n, 0) for n in sorted(names)})
            if LAST in names:
                changed[cell][LAST] = new.get(LAST, 0)
    return changed


def of_deployment(figures: Mapping[Cell, Mapping[str, int]]) -> Figures:
    """Return the figures of all access channels together. Templates belong to their channels."""
    total: defaultdict[Cell, Counter[str]] = defaultdict(Counter)
    for cell, counts in figures.items():
        if cell.quarter == LINE:
            continue
        shared = {name: n for name, n in counts.items() if not name.startswith("template|")}
        total[Cell(DEPLOYMENT, cell.quarter)].update(shared)
    return dict(total)
