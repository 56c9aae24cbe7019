"""Receipts of channels whose provider is asked for them, instead of posting them."""

from __future__ import annotations

from chalicelib.domain.channels import Channel, Priority, ReceiptMode
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import Envelope, PollJob, Timer, TimerKind
from chalicelib.domain.pages import CallAnswer, Page
from chalicelib.domain.sending import ProviderIds, Receipt
from chalicelib.flow import receipts
from chalicelib.flow.ports import World
from chalicelib.flow.sessions import connect

GIVE_UP = 86400  # seconds after which a call's receipts are no longer asked for
SHORTEST = 30
NEARLY_FULL = 400  # reports in one answer after which there is surely more to ask for
POLL_AGAIN = 6  # seconds: a provider may allow one such question in five


def start(world: World) -> None:
    """Every minute: one job per channel whose provider hands out all receipts of an account at once."""
    polled = [c for c in world.settings.channels() if c.receipts is ReceiptMode.POLL and _ids(world, c) is ProviderIds.PER_RECIPIENT]
    world.queues.send([Envelope(PollJob(c.code), Priority.HIGH, c.type, c.code) for c in polled])


def _ids(world: World, channel: Channel) -> ProviderIds:
    return world.providers.of(channel.platform).capabilities.provider_ids


def poll_channel(world: World, job: PollJob) -> None:
    channel = world.settings.channel(job.channel)
    if channel is None or channel.receipts is not ReceiptMode.POLL:
        return
    with connect(world, channel) as session:
        found = session.poll({})
        receipts.record(world, channel.code, [each for each in found if isinstance(each, Receipt)])
    if len(found) >= NEARLY_FULL:
        world.queues.send([Envelope(job, Priority.HIGH, channel.type, channel.code, POLL_AGAIN)])


def poll_page(world: World, timer: Timer) -> None:
    """Ask for a page's open deliveries, and again later while there are any: ever more seldom, for a day."""
    channel, message = world.settings.channel(timer.channel), world.messages.get(timer.page.msgid)
    page = world.ledger.page(timer.page) if message else None
    if channel is None or message is None or page is None:
        return
    answers = [a for a in page.answers.values() if a.key.channel == channel.code]
    asked = {a.provider_id: contacts for a in answers if (contacts := _awaited(page, a))}
    if not asked:
        return
    now = world.clock.now()
    age = (now - message.accepted) // 1000
    if age < GIVE_UP:  # before the provider is asked: one that fails now is asked again
        again = now + max(SHORTEST, age // 2) * 1000
        world.timers.set([Timer(again, TimerKind.POLL, timer.page, timer.priority, timer.channel)])
    with connect(world, channel) as session:
        receipts.record(world, channel.code, [each for each in session.poll(asked) if isinstance(each, Receipt)])


def _awaited(page: Page, answer: CallAnswer) -> list[str]:
    """The contacts of a call that nothing is known of since their submission."""
    submitted = [f.place for f in answer.facts if f.kind is FactKind.SUBMITTED]
    return [page.plan.contact(p) for p in submitted if not page.of(p).delivered and not page.of(p).has(FactKind.DELIVERY_FAILED)]
