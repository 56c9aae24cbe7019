"""Random histories of messages: what happens to them, and workers that count it and may end."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.domain import figures, keys
from chalicelib.domain.chunks import CallAnswer
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.figures import Cell
from chalicelib.domain.jobs import FactsJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import CallKey, ChunkId, Entrants, Plan, Target, TargetLoss
from chalicelib.domain.reach import reached
from chalicelib.domain.rules.caps import Mark
from chalicelib.flow import days, fact_files, reach, tally
from chalicelib.flow import figures as figures_step
from chalicelib.ports import World
from tests.builders import a_message, a_strategy
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld

STRATEGIES = (a_strategy("app"), a_strategy("app", "sms"), a_strategy("app,sms", "email"))
CODES = ("", "7", "quota_used_up")
READS = (
    *("figures.load.done", "figures.between.done", "notes.of_block.done", "ledger.chunk.done"),
    *("marks.get.done", "fact_files.etag.done"),
)
WRITES = ("figures.", "notes.", "timers.", "marks.", "fact_files.")
BIG = tuple(f"u{number:03d}" for number in range(101))


@dataclass
class History:
    """Some messages of two access channels, small ones and big ones.

    Streams come in batches that may come again. Any worker may end at any step.
    """

    seed: int
    world: FakeWorld = field(default_factory=FakeWorld)
    messages: list[Message] = field(default_factory=list)
    stream: list[Note | ChunkId] = field(default_factory=list)
    deaths: int = 0
    kept: int = 0  # seconds for which messages are kept longer

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.world.on_step = self._strike
        self._calls = 0
        self._is_nested = False
        self._writes_files = False

    def _strike(self, number: int, name: str) -> None:
        """End the worker, or let something else happen meanwhile, after what it has read."""
        # A fact file reads sixty blocks, among which a worker ends as seldom as elsewhere.
        often = 1 / 60 if self._writes_files and name.startswith("notes.of_block") else 1
        if name in READS and not self._is_nested and self.chance.random() < 0.2 * often:
            self._is_nested = True
            self.chance.choice((self._report, self._consume, self._tick))()
            self._is_nested = False
        if name.startswith(WRITES) and self.chance.random() < 0.03 * often:
            self.deaths += 1
            raise Killed(name)

    # -- what happens

    def happen(self, events: int = 14) -> None:
        for _ in range(events):
            self.chance.choice(
                (self._send, self._report, self._report, self._report, self._consume, self._tick)
            )()
        while self._has_work:
            self._consume()
            self._tick()

    @property
    def _has_work(self) -> bool:
        ledger = self.world.ledger
        return bool(self.stream or ledger.noted or ledger.inserted or self.world.timers.rows)

    def _send(self) -> None:
        number, is_big = len(self.messages) + 1, self.chance.random() < 0.3
        accepted = self.world.clock.now() - self.chance.randrange(3)
        message = a_message(
            *(BIG if is_big else ("ann", "bob")),
            number=number,
            strategy=self.chance.choice(STRATEGIES),
            channel_key=self.chance.choice(("shop", "mall")),
            template=(self.chance.randrange(3), 1),
            accepted=accepted,
            rated=self.chance.random() < 0.3,
        )
        message = replace(message, expires=message.expires + self.kept)
        plan = self._plan(message)
        in_message = not is_big and self.chance.random() < 0.5
        message = replace(message, plan=plan if in_message else None)
        self.world.messages.has(message)
        self.messages.append(message)
        if in_message:
            self.world.ledger._first(plan.id, "plan", plan, message)

        else:
            self._safely(lambda: self.world.ledger.put_plan(plan, message))
        self.stream.append(Note(ChunkId(message.msgid, 0), message))

    def _plan(self, message: Message) -> Plan:
        def target(number: int) -> Target:
            loss = self.chance.choice((None, None, None, *TargetLoss))
            counts = {code: self.chance.randrange(3) for code in message.channels}
            refused = {"push": "opted_out"} if self.chance.random() < 0.2 else {}
            contacts = {} if loss else {code: n for code, n in counts.items() if n}
            return Target(f"u{number}", loss, contacts, refused)

        targets = tuple(target(number) for number in range(self.chance.randrange(1, 4)))
        return Plan(ChunkId(message.msgid, 0), targets, (), message.accepted, None)

    def _report(self) -> None:
        """Add entrants, an answer or facts, or facts that are there already."""
        if not self.messages:
            return
        message = self.chance.choice(self.messages)
        at = ChunkId(message.msgid, 0)
        plan = self.world.ledger._get(at, "plan")
        facts = [self._fact(message, plan) for _ in range(self.chance.randrange(1, 4))]
        roll = self.chance.random()
        if roll < 0.2 and len(message.strategy.steps) > 1:
            entrants = Entrants(1, self.chance.randrange(2), plan.valid[:1], message.accepted)
            self._safely(lambda: self.world.ledger.freeze(at, entrants, message))
        elif roll < 0.5:
            self._calls += 1
            answer = CallAnswer(CallKey(0, 0, "push", self._calls), tuple(facts), 0)
            self._safely(lambda: self.world.ledger.put_answer(at, answer, message))
        else:
            self._safely(lambda: self.world.ledger.add(at, facts, message))

    def _fact(self, message: Message, plan: Plan) -> Fact:
        target = self.chance.randrange(len(plan.targets))
        ref = DeliveryRef(target, self.chance.choice(sorted(message.channels)), 0)
        time = message.accepted + self.chance.choice((-5000, 0, 700, 90_000, 5_000_000, 9**15))
        kind, code = self.chance.choice(list(FactKind)), self.chance.choice(CODES)
        cost = self.chance.choice((0, 45_000))
        return Fact(ref, kind, time, code, "webhook", self.chance.choice(("", "id")), cost)

    def _safely(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except Killed:
            return False
        return True

    # -- workers

    def _consume(self) -> None:
        """Take a batch of the streams, old records among it. A batch that fails comes again."""
        ledger = self.world.ledger
        self.stream += [*ledger.noted, *ledger.inserted]
        ledger.noted.clear()
        ledger.inserted.clear()
        self.chance.shuffle(self.stream)
        batch = self.stream[: self.chance.randrange(1, 8)]

        def act() -> None:
            chunks = [each for each in batch if not isinstance(each, Note)]
            tally.changed(self.world.ports, dict.fromkeys(chunks, 0))
            notes = [each for each in batch if isinstance(each, Note)]
            figures_step.note(self.world.ports, notes)

        if self._safely(act) and self.chance.random() < 0.8:
            taken = set(map(id, batch))
            self.stream = [each for each in self.stream if id(each) not in taken]

    def _tick(self) -> None:
        """Do what is due, each kind in one job. What fails, or comes twice, is due again."""
        self.world.clock.time = max(self.world.clock.now(), self.world.timers.next() or 0)
        waiting = [t for t in self.world.timers.waiting() if t.at <= self.world.clock.now()]
        works = {
            TimerKind.RECOUNT: tally.recount,
            TimerKind.FIGURES: figures_step.count_blocks,
            TimerKind.DAY: days.fold,
            TimerKind.FACTS: self._write_files,
        }
        for kind, work in works.items():
            timers = [timer for timer in waiting if timer.kind is kind]
            timers = timers[:1] if kind is TimerKind.FACTS else timers
            if self._safely(lambda work=work, timers=timers: work(self.world.ports, timers)):
                self.world.timers.forget(timers if self.chance.random() < 0.8 else ())

    def _write_files(self, world: World, timers: Sequence[Timer]) -> None:
        """Write the files of a unit, as its job does."""
        for timer in timers:
            self._writes_files = True
            try:
                fact_files.write(world, FactsJob(*timer.chunk))
            finally:
                self._writes_files = False

    # -- what came of it

    def recounted(self) -> dict[Cell, dict[str, int]]:
        """Count everything from the facts, at once."""
        parts = [figures.of_request(message) for message in self.messages]
        for message in self.messages:
            chunk = self.world.ledger.chunk(ChunkId(message.msgid, 0), message)
            assert chunk is not None
            parts.append(figures.of_chunk(message, chunk))
            if not message.inline:
                line = Cell(message.msgid, figures.LINE)
                parts.append({line: figures.of_line(message, chunk)})
        total = figures.added(parts)
        return without_zeros({**total, **figures.of_deployment(total)})

    def counted(self) -> dict[Cell, dict[str, int]]:
        total: figures.Figures = {}
        for (name, position), document in self.world.figures.stored.items():
            kind, *key = keys.split(name)
            if kind == "figures":
                cell = Cell(key[0], int(position.partition("#")[0]))
                total = figures.added([total, {cell: document.body}])
            elif position.startswith("line#"):
                total = figures.added([total, {Cell(name, figures.LINE): document.body}])
        return without_zeros(total)

    def reach(self) -> dict[str, list[Mark]]:
        """Return the reach of the rated messages to each person, at once."""
        marks: defaultdict[str, list[Mark]] = defaultdict(list)
        for message in self.messages:
            chunk = self.world.ledger.chunk(ChunkId(message.msgid, 0), message)
            assert chunk is not None
            for userid, of_user in reached(message, chunk).items() if message.rated else ():
                marks[reach.name_of(message.channel_key, userid)] += of_user
        return {name: sorted(of_user) for name, of_user in marks.items()}

    def kept_reach(self) -> dict[str, list[Mark]]:
        return {name: sorted(kept.marks) for name, kept in self.world.marks.stored.items()}

    def counted_by_day(self) -> Iterator[tuple[str, int, dict[str, int]]]:
        for (name, position), document in self.world.figures.stored.items():
            kind, *key = keys.split(name)
            if kind == "days":
                yield key[0], int(position), document.body["counts"]


def without_zeros(total: figures.Figures) -> dict[Cell, dict[str, int]]:
    cleaned = {cell: {n: c for n, c in counts.items() if c} for cell, counts in total.items()}
    return {cell: counts for cell, counts in cleaned.items() if counts}
