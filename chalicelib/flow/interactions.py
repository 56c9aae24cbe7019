"""Keep what users got and did: that a message was sent, delivered, clicked or opened.

The facts of messages whose access channel wants it come by the stream of the ledger. A fact becomes
a row of its user, and a repeat writes the same row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.callbacks import Events
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.jobs import Envelope, InteractionsJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan
from chalicelib.domain.traces import DAY, Interacted, Interaction
from chalicelib.ports import World

FACTS = 500  # of a job
RULE = "interactions"  # in the rules of an access channel

OF_FACTS: Mapping[FactKind, Interaction] = {
    FactKind.SUBMITTED: Interaction.SENT,
    FactKind.DELIVERED: Interaction.DELIVERED,
    FactKind.CLICKED: Interaction.CLICKED,
    FactKind.OPENED: Interaction.OPENED,
}


def are_kept(access: AccessChannel) -> bool:
    return RULE in access.rules


def collect(world: World, news: Iterable[Events]) -> None:
    """Queue the facts that are interactions. The same news again make the same jobs again."""
    jobs, held = list[InteractionsJob](), list[Events]()
    for one in news:
        facts = tuple(fact for fact in one.facts if fact.kind in OF_FACTS)
        for start in range(0, len(facts), FACTS):
            part = Events(one.chunk, facts[start : start + FACTS])
            if held and sum(each.size for each in held) + part.size > FACTS:
                jobs.append(InteractionsJob(tuple(held)))
                held = []
            held.append(part)
    jobs += [InteractionsJob(tuple(held))] if held else []
    if jobs:
        world.queues.send([Envelope(job, Priority.LOW, None, RULE) for job in jobs])


def keep(world: World, job: InteractionsJob) -> None:
    """Keep the interactions that facts tell. Those of a message that is gone are left out."""
    messages, _ = world.recordings.read(list({one.chunk.msgid for one in job.events}), ())
    rows: dict[str, dict[tuple[str, Interacted], None]] = {}
    for one in job.events:
        message = messages.get(one.chunk.msgid)
        plan = world.ledger.plan(one.chunk, message) if message else None
        if message is not None and plan is not None:
            known = rows.setdefault(message.channel_key, {})
            known.update(dict.fromkeys(_rows(message, plan, one.facts, world.clock.now())))
    for channel_key, new in rows.items():
        world.traces.interact(channel_key, list(new))


def _rows(
    message: Message, plan: Plan, facts: Iterable[Fact], now: int
) -> Iterator[tuple[str, Interacted]]:
    """Yield the user of each fact with the interaction. A provider's clock may be anything."""
    for fact in facts:
        if fact.kind in OF_FACTS and plan.has(fact.ref):
            day = min(max(fact.time, message.accepted), now) // DAY
            what = Interacted(OF_FACTS[fact.kind], day, message.template[0], message.topic)
            yield plan.targets[fact.ref.target].id, what
