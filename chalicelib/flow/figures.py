"""10. Add what parts of messages have gained to the figures of access channels.

A part is counted anew from its facts. What it added before is stored with it. The difference goes
to cells in the transaction that stores the part. So nothing is counted twice or missed, whatever
ends, repeats or comes late.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from chalicelib import observability
from chalicelib.domain import fact_files, figures, health, keys, notes
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.figures import Cell, Part
from chalicelib.domain.funnel import Counts
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.messages import Entry, Message
from chalicelib.domain.notes import Note, OptOut
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import days
from chalicelib.flow import fact_files as fact_files_step
from chalicelib.flow.timers import do_in_time
from chalicelib.observability import log
from chalicelib.ports import Document, World
from chalicelib.ports.figures import Key

SHARDS = 8  # of a cell. All but the first are used only while others write it at the same time.
DOCUMENTS = 96  # of a transaction
LINES = 10_000  # messages of a block whose lines are kept. More would not fit in its item.
CELLS = DOCUMENTS // 3  # of the differences of a transaction. Each has one of the deployment.
PARTS = DOCUMENTS - 2 * CELLS
ROUNDS = 20  # in which others may be faster
TOGETHER = 20_000  # messages whose blocks are counted together
RECENT = 4  # quarters of an hour in which a poor delivery channel is told of
KEPT = 30 * 86400  # seconds for which a part is kept after its last recount


def note(world: World, new: Sequence[Note], entries: Sequence[Entry] = ()) -> None:
    """Add notes to their blocks, with the timers that count the blocks and entries of lists.

    Timers that are set already cost nothing. Those after a write that took long are later ones.
    """
    if not new:
        return
    begins: dict[int, int] = {}
    for note in new:
        begins[note.block] = max(note.begins, begins.get(note.block, 0))
    world.notes.add(new, entries, _timers(world, begins))
    world.timers.set(_timers(world, begins), punctual=False)


def expect(world: World, opt_outs: Iterable[OptOut]) -> None:
    """Set the timers that count opt-outs, before they are written."""
    begins = {out.block: out.time for out in opt_outs}
    world.timers.set(_timers(world, begins), punctual=False)


def _timers(world: World, begins: Mapping[int, int]) -> list[Timer]:
    now = world.clock.now()
    return [_timer(world, block, now, begins[block]) for block in sorted(begins)]


def _timer(world: World, block: int, now: int, begins: int) -> Timer:
    """Return a timer of a block. The older what is new in it, the later it is counted."""
    delays = world.limits.recount_delays[1:]
    age = now - begins
    delay = next((delay for delay in delays if age < 3 * delay * 1000), delays[-1]) * 1000
    soonest = now + 2 * world.limits.clock_width * 1000
    at = (soonest // delay + 1) * delay
    return Timer(at, TimerKind.FIGURES, ChunkId(str(block), 0), Priority.LOW)


def count_blocks(world: World, timers: Sequence[Timer]) -> None:
    """Count blocks anew. Those that are small are added together, which costs less.

    Blocks for which no time is left are counted by a job of their own.
    """
    parts: list[Part] = []

    def add_counted() -> None:
        add(world, parts)
        parts.clear()

    def count_one(timer: Timer) -> None:
        block = int(timer.chunk.msgid)
        if world.clock.now() > block * notes.BLOCK + notes.COUNTED * 1000:
            return  # its notes may be gone, and its figures stand
        parts.append(part_of_block(world, block))
        if sum(part.seen for part in parts) > TOGETHER or len(parts) >= PARTS:
            add_counted()

    by_block = {int(timer.chunk.msgid): timer for timer in timers}
    do_in_time(world, count_one, [by_block[block] for block in sorted(by_block)], add_counted)


def part_of_block(world: World, block: int) -> Part:
    known = notes.gathered(world.notes.of_block(block))
    chunks = [(one.message, chunk) for one in known.messages for chunk in one.chunks]
    _keep_reach(world, chunks)
    counted = [figures.of_request(one.message) for one in known.messages]
    counted += [figures.of_chunk(*of) for of in chunks]
    counted += map(figures.of_opt_out, known.opt_outs)
    lines: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for message, chunk in chunks[:LINES]:
        figures.gain(lines[message.msgid], figures.of_line(message, chunk))
    expires = block * notes.BLOCK // 1000 + notes.LIFE + KEPT
    unit = fact_files.unit_of_block(block)
    gained = {at: figures.shortened(counts) for at, counts in figures.added(counted).items()}
    return Part(block_key(block), known.seen, gained, expires, lines, unit)


class Counted(NamedTuple):
    """A chunk with its counts."""

    message: Message
    chunk: Chunk
    counts: Counts


def count_chunks(world: World, chunks: Iterable[Counted]) -> None:
    """Add what chunks have gained. They belong to messages whose request is noted."""
    now = world.clock.now() // 1000
    living = [counted for counted in chunks if now < counted.message.expires]
    _keep_reach(world, [(message, chunk) for message, chunk, _ in living])
    parts = [part_of_chunk(*counted) for counted in living]
    for some in _slices(parts, PARTS):
        add(world, some)


def _keep_reach(world: World, chunks: Sequence[tuple[Message, Chunk]]) -> None:
    rated = [(message, chunk) for message, chunk in chunks if message.rated]
    if rated:
        from chalicelib.flow import reach  # few access channels keep it

        reach.keep(world, rated)


def part_of_chunk(message: Message, chunk: Chunk, counts: Counts) -> Part:
    msgid, number = chunk.plan.id
    gained = figures.of_chunk(message, chunk)
    gained[Cell(msgid, figures.LINE)] = figures.of_line(message, chunk, counts)
    key = (msgid, keys.join("figures", number))
    unit = fact_files.unit_of_chunk(chunk.plan.id)
    return Part(key, chunk.seen, gained, message.expires + KEPT, unit=unit)


def add(world: World, parts: Sequence[Part]) -> None:
    """Add the differences of parts to their cells, until there are none.

    Raises Unavailable if others were faster in every round.
    """
    waiting, shard, failures = list(parts), 0, 0
    while waiting:
        stored = world.figures.load([part.key for part in waiting])
        waiting = [part for part in waiting if _is_news(part, stored.get(part.key))]
        added = _add_some(world, waiting, stored, shard)
        if added is None:
            failures += 1
            shard = random.randrange(SHARDS)  # noqa: S311 - spreads writers
        waiting = waiting[added or 0 :]
        if failures == ROUNDS:
            raise Unavailable("figures_busy")


def _is_news(part: Part, stored: Document | None) -> bool:
    if stored is None:
        return part.seen > 0
    if stored.body["seen"] == part.seen:
        return bool(figures.less(part.figures, _figures(stored)))
    return bool(part.seen > stored.body["seen"])


def _add_some(
    world: World, parts: Sequence[Part], stored: Mapping[Key, Document], shard: int
) -> int | None:
    """Store as many differences as a transaction takes, of the first parts.

    Return the number of parts that are stored whole, None if others were faster.
    """
    if not parts:
        return 0
    documents: list[Document] = []
    differences: list[figures.Figures] = []
    left, whole = CELLS, 0
    for part in parts:
        before = _figures(stored[part.key]) if part.key in stored else {}
        difference = figures.less(part.figures, before)
        changed = dict(islice(difference.items(), left))
        differences.append(changed)
        left -= len(changed)
        whole += len(changed) == len(difference)
        documents.append(_stored(part, stored.get(part.key), figures.added([before, changed])))
        if left == 0 or len(documents) == PARTS:
            break
    gained = figures.added(differences)
    cells = {**gained, **figures.of_deployment(gained)}
    days.changing(world, cells)
    units = {p.unit: _end_of(p, p.unit) for p in parts[: len(documents)] if p.unit is not None}
    fact_files_step.changing(world, units)
    expires = max(part.expires for part in parts)
    changed_cells = list(_changed(world, cells, shard, expires))
    is_stored = world.figures.store([*documents, *changed_cells])
    if is_stored:
        _watch(world, changed_cells)
    return whole if is_stored else None


def _watch(world: World, cells: Sequence[Document]) -> None:
    """Tell of delivery channels that have been poor lately, as the deployment's cells say."""
    name, now = keys.join("figures", figures.DEPLOYMENT), figures.quarter_of(world.clock.now())
    recent = [
        cell for cell in cells if cell.key[0] == name and int(cell.key[1][:7]) >= now - RECENT
    ]
    for cell in recent:
        for code, sent in health.submissions(_whole(world, cell)).items():
            for rate in health.poor(sent):
                fields = {"channel": code, "share": round(rate.value, 4)}
                log.warning("channel_poor", extra=fields)
                observability.metric("channels_poor")


def _whole(world: World, cell: Document) -> Mapping[str, int]:
    """Return the counts of a cell that was just stored, of all shards where it matters.

    Mostly there is one shard. So the others are read where this one is another or looks poor.
    """
    (name, at), counts = cell.key, Counter(cell.body)
    if at.endswith("#0") and not any(map(health.poor, health.submissions(counts).values())):
        return counts
    others = {(name, f"{at[:7]}#{n}") for n in range(SHARDS)} - {cell.key}
    for other in world.figures.load(sorted(others)).values():
        counts.update(other.body)
    return counts


def _end_of(part: Part, unit: ChunkId) -> int:
    """Return the time (ms) until which the facts of a part are counted."""
    kept = KEPT if unit.msgid else KEPT + notes.LIFE - notes.COUNTED
    return (part.expires - kept) * 1000


def _stored(part: Part, before: Document | None, held: figures.Figures) -> Document:
    body: dict[str, Any] = {
        "seen": part.seen,
        "figures": [[*cell, _without_zeros(counts)] for cell, counts in sorted(held.items())],
    }
    if part.lines:
        body["lines"] = {msgid: dict(line) for msgid, line in sorted(part.lines.items())}
    return Document(part.key, (before.version if before else 0) + 1, body, part.expires)


def _figures(document: Document) -> figures.Figures:
    return {
        Cell(key, quarter): Counter(counts) for key, quarter, counts in document.body["figures"]
    }


def _without_zeros(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in sorted(counts.items()) if number}


def _changed(world: World, cells: figures.Figures, shard: int, expires: int) -> Iterator[Document]:
    """Yield the documents of cells with their differences added. Only those of lines expire."""
    names = {cell: cell_key(cell, shard) for cell in cells}
    stored = world.figures.load(list(names.values()))
    for cell, difference in cells.items():
        before = stored.get(names[cell])
        counts = Counter(before.body if before else {})
        figures.gain(counts, figures.folded(difference, counts))
        version = (before.version if before else 0) + 1
        until = expires if cell.quarter == figures.LINE else None
        yield Document(names[cell], version, _without_zeros(counts), until)


def cell_key(cell: Cell, shard: int) -> Key:
    if cell.quarter == figures.LINE:
        return line_key(cell.key, shard)
    return keys.join("figures", cell.key), f"{cell.quarter:07d}#{shard}"


def line_key(msgid: str, shard: int) -> Key:
    """Return the key of a large message's line."""
    return msgid, f"line#{shard}"


def block_key(block: int) -> Key:
    """Return the key of a block's part, which has the lines of its messages."""
    return keys.join("part", str(block)), "-"


def _slices(parts: Sequence[Part], size: int) -> Iterator[Sequence[Part]]:
    return (parts[start : start + size] for start in range(0, len(parts), size))
