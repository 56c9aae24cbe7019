"""2. Turn an audience into pages of targets, resumable from any page."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.jobs import Envelope, PlanJob, Timer, TimerKind
from chalicelib.domain.messages import PAGE_TARGETS, Message
from chalicelib.domain.pages import Page
from chalicelib.domain.plans import PageId, Plan, Target
from chalicelib.flow import dispatch
from chalicelib.flow.ports import World
from chalicelib.flow.select import Contacts, select

PAGE_BYTES = 300_000  # of contacts and ids: a plan is one item of at most 400 KB
PAGES_PER_JOB = 10


def plan(world: World, job: PlanJob) -> None:
    """Plan and dispatch pages from here on. A repeat finds the plans that are there and sends the same jobs again."""
    message = world.messages.get(job.msgid)
    if message is None:
        return
    page, position = job.page, job.position
    for _ in range(PAGES_PER_JOB):
        stored = _plan_page(world, message, page, position)
        if stored.next is None:
            return
        page, position = page + 1, stored.next
    world.queues.send([Envelope(PlanJob(job.msgid, page, position), message.priority, None, message.channel_key)])


def _plan_page(world: World, message: Message, number: int, position: int) -> Plan:
    at = PageId(message.msgid, number)
    stored = world.ledger.put_plan(make_plan(world, message, number, position), message)
    if number:  # the first page's timer was stored with the message
        look_at = stored.time + world.limits.check_after * 1000
        world.timers.set([Timer(look_at, TimerKind.LOOK, at, message.priority)])
    jobs = dispatch.jobs(message, Page(stored), 0, 0)
    world.queues.send([*jobs, dispatch.look_now(message, at, stored.time)] if somebody_cannot_start(message, stored) else jobs)
    return stored


def somebody_cannot_start(message: Message, stored: Plan) -> bool:
    """Whether a valid target has no contact in the first step, and so goes on at once."""
    codes = message.codes_of(0)
    return not all(any(code in stored.targets[t].contacts for code in codes) for t in stored.valid)


def make_plan(world: World, message: Message, page: int, position: int) -> Plan:
    """Decide on a page of targets, from this position of the audience on."""
    userids = message.userids[position : position + PAGE_TARGETS]
    users = world.users.get(userids)
    selected = _cut([select(message, userid, users.get(userid)) for userid in userids])
    end = position + len(selected)
    return Plan(
        id=PageId(message.msgid, page),
        targets=tuple(target for target, _ in selected),
        contacts=tuple(contacts for _, contacts in selected),
        time=world.clock.now(),
        next=end if end < len(message.userids) else None,
    )


def _cut(selected: Sequence[tuple[Target, Contacts]]) -> Sequence[tuple[Target, Contacts]]:
    """As many as fit into one item; at least one."""
    total = 0
    for n, (target, contacts) in enumerate(selected):
        total += len(target.id.encode()) + sum(len(c.encode()) + 8 for found in contacts.values() for c in found) + 40
        if n and total > PAGE_BYTES:
            return selected[:n]
    return selected
