"""Messages to one person each, of two tenants, whose jobs come from their queue in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.domain import envelopes
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import DeliverJob, Envelope
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import deliver, submit, withdraw
from chalicelib.flow.requests import SendRequest
from chalicelib.reports import message as report
from tests.builders import SHOP, a_template, an_access_channel
from tests.fakes.steps import Killed
from tests.simulation.consumers import consumed, consumer, envelope_of
from tests.simulation.world import VISIBILITY, Simulation

MALL = "mall"  # the other tenant
BATCH = 4
RULES = {SHOP: 2, MALL: 3}  # numbers of strategy and template


@dataclass
class Singles(Simulation):
    """A message to each of some people. A kill ends the worker of a whole batch.

    With a `pace` it is a consumer that works on batches, and a push takes so many seconds.
    """

    pace: float = 0
    size: int = BATCH
    people: Sequence[str] = ("ann",)
    msgids: dict[str, str] = field(default_factory=dict)  # accepted message -> channel key
    deaths: int = 0
    returned: list[str] = field(default_factory=list)  # jobs that a consumer handed back

    def __post_init__(self) -> None:
        super().__post_init__()
        settings = self.world.settings
        settings.put_access_channel(an_access_channel(MALL))
        kinds = [kind.value for kind in self.strategy.channels]
        for key, number in RULES.items():
            settings.put_template(a_template(number, kinds, channel_key=key))
            settings.put_strategy(number, key, "one step or more", self.strategy)
        self.world.recordings.torn = True
        self.world.providers.push.watchers.append(lambda call: self.world.clock.advance(self.pace))
        self.world.forget_steps()

    def submit(self) -> None:
        """Send to each person in turn. Both tenants send to every other one."""
        for n, userid in enumerate(self.people):
            self._attempt(lambda userid=userid, n=n: self._submit(userid, (SHOP, MALL)[n % 2]))

    def _submit(self, userid: str, key: str) -> None:
        para = {"template_para": {"name": "you"}, "app_para": {"platform": "all"}}
        number = RULES[key]
        request = SendRequest(
            channel=an_access_channel(key),
            userids=(userid,),
            template=number,
            rule_id=number,
            **para,  # type: ignore[arg-type]
        )
        self.msgids[submit.submit(self.world.ports, request)] = key

    def withdraw_all(self) -> None:
        for msgid, key in self.msgids.items():
            self._attempt(
                lambda msgid=msgid, key=key: withdraw.withdraw(self.world.ports, key, msgid)
            )

    def _attempt(self, work: object) -> bool:
        def counted() -> None:
            try:
                work()  # type: ignore[operator]
            except Killed:
                self.deaths += 1
                raise

        return super()._attempt(counted)

    def _work(self, envelope: Envelope) -> None:
        batch = [envelope, *self._more_of(envelope)]
        for _ in range(2 if self.twice else 1):
            failed = list(batch)
            self._attempt(lambda failed=failed: self._work_on(failed))
            for job in failed:
                self.world.queues.back(job, VISIBILITY)
            if failed:
                return

    def _more_of(self, first: Envelope) -> list[Envelope]:
        """Take the rest of a batch off the queue of a delivery function."""
        waiting, now = self.world.queues.waiting, self.world.clock.now()
        queue = (first.channel_type, first.priority)
        more = [
            entry
            for entry in waiting
            if (entry[1].channel_type, entry[1].priority) == queue and entry[0] <= now
        ]
        batch = more[: self.size - 1] if isinstance(first.job, DeliverJob) else []
        for entry in batch:
            waiting.remove(entry)
        return [envelope for _, envelope in batch]

    def _work_on(self, failed: list[Envelope]) -> None:
        """Work on a batch as its consumer does. Leave in the list what goes back to the queue."""
        if self.pace and failed[0].channel_type is not None:
            failed[:] = self._consume(failed)
            return
        jobs = {envelopes.encode(e.job): e for e in failed if isinstance(e.job, DeliverJob)}  # type: ignore[arg-type]
        batch = deliver.Batch(self.world.ports, [e.job for e in jobs.values()])  # type: ignore[misc]
        errors: dict[str, Exception] = {}
        for text, envelope in jobs.items():
            try:
                batch.deliver(self.world.ports, envelope.job, text)  # type: ignore[arg-type]
            except Exception as error:  # noqa: BLE001 the consumer reports its job
                errors[text] = error
        errors |= batch.end()
        for envelope in [e for e in failed if not isinstance(e.job, DeliverJob)]:
            self._handle(envelope)
        failed[:] = [envelope for text, envelope in jobs.items() if text in errors]

    def _consume(self, batch: Sequence[Envelope]) -> list[Envelope]:
        """Let the consumer of a delivery function work on a batch. Return the jobs that failed."""
        world, queues = self.world, self.world.queues
        ends = world.clock.now() + world.limits.lease * 1000
        try:
            return consumed(world.ports, consumer(world.clock.monotonic), batch, ends)
        finally:
            for returned in queues.handed_back:
                queues.back(envelope_of(*returned))
            self.returned += [text for _, _, text in queues.handed_back]
            queues.handed_back.clear()

    # -- what came of them

    def chunks(self) -> list[Chunk]:
        stored = [m for m in self.world.messages.stored.values() if m.msgid in self.msgids]
        chunks = [self.world.ledger.chunk(ChunkId(m.msgid, 0), m) for m in stored]
        return [chunk for chunk in chunks if chunk is not None]

    def check(self) -> None:
        """Check that nothing is lost, and that nothing is sent twice or unknown without reason."""
        self.world.spare()
        assert set(self.msgids) <= set(self.world.messages.stored)
        for msgid, key in self.msgids.items():
            shown = report.message(self.world.ports, key, msgid)
            assert shown["status"] == "finished", shown
            assert shown["balanced"], shown
        providers = {**self.providers(), "mail": self.world.providers.mail}
        for code, provider in providers.items():
            times = {p: self.people.count(p) for p in self.people}
            assert max(provider.sent().values(), default=0) <= max(times.values())
            if set(self.msgids) == set(self.world.messages.stored):
                submitted = self.contacts(code, FactKind.SUBMITTED)
                unknown = self.unknown(code)
                assert submitted <= set(provider.sent()), f"{code} claims what it did not send"
                assert set(provider.sent()) <= submitted | set(unknown), f"{code} lost track"
                if code in self.providers():
                    told = {contact for contact in submitted if "silent" not in contact}
                    assert told <= self.contacts(code, FactKind.DELIVERED), f"{code} lost receipts"
            if provider.capabilities.token_life:
                assert not self.unknown(code), f"{code} could have been asked again"
        calls = [
            (chunk.plan.id, code)
            for chunk in self.chunks()
            for code in {r.channel for r, s in chunk.states.items() if s.has(FactKind.UNKNOWN)}
        ]
        assert len(calls) <= self.deaths

    def unknown(self, code: str) -> list[str]:
        return [
            chunk.plan.contact(ref)
            for chunk in self.chunks()
            for ref, state in chunk.states.items()
            if ref.channel == code and FactKind.UNKNOWN in state.facts
        ]


def finished(simulation: Singles) -> Singles:
    """Send, let all jobs run, and check what came of it."""
    simulation.submit()
    simulation.run()
    simulation.check()
    return simulation
