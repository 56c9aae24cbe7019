"""Act on mails that came back, and on readers' complaints.

Dead contacts are marked as after any receipt (flow/receipts.py). Here soft bounces count up, a
complaint opts out, and reports that name a contact alone find its users.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from chalicelib.domain import channel_options, contacts, keys
from chalicelib.domain import suppressions as suppressed
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan
from chalicelib.domain.provider_io import ContactReport, Receipt, ReceiptKind
from chalicelib.domain.users import Suppression
from chalicelib.flow import provider_ids, suppressions
from chalicelib.flow.suppressions import ContactFeedback
from chalicelib.ports import World

WINDOW = 30 * 86400  # seconds in which soft bounces of a contact count together


class Bounces:
    """The soft bounces and complaints of one post, to be followed once their facts are stored."""

    def __init__(self, world: World, code: str) -> None:
        self._world, self._code = world, code
        self._soft: list[tuple[Message, Plan, Fact]] = []
        self._complaints: list[tuple[Message, Plan, Fact]] = []

    def note(self, message: Message, plan: Plan, receipt: Receipt, facts: Iterable[Fact]) -> None:
        """Note what a receipt says. A bounce that is stored or noted already counts once."""
        if receipt.kind is ReceiptKind.COMPLAINED:
            self._complaints += [(message, plan, fact) for fact in facts]
        elif receipt.soft and not receipt.undeliverable:
            chunk = self._world.ledger.chunk(plan.id, message)
            noted = {(plan.id, fact.ref) for _, plan, fact in self._soft}
            self._soft += [
                (message, plan, fact)
                for fact in facts
                if (plan.id, fact.ref) not in noted
                and (chunk is None or not chunk.state_of(fact.ref).has(FactKind.BOUNCED))
            ]

    def follow(self) -> Iterator[ContactFeedback]:
        """Opt out those who complained. Yield the contacts that came back too often."""
        for message, plan, fact in self._complaints:
            kind, key = message.channels[fact.ref.channel], message.channel_key
            contact, time = plan.contact(fact.ref), fact.time
            suppressions.set_opt_out(
                self._world, kind, contact, [key], out=True, time=time, code="complaint"
            )
        channel = self._world.settings.channel(self._code) if self._soft else None
        for message, plan, fact in self._soft:
            if channel and _is_worn_out(self._world, channel, plan.contact(fact.ref)):
                dead = Suppression(fact.code, fact.time)
                yield ContactFeedback(message, plan, fact.ref, True, dead)


def record(world: World, channel: Channel, reports: Sequence[ContactReport]) -> None:
    """Act on reports of contacts alone.

    A complaint is about every access channel that may use the delivery channel.
    """
    access_channels = world.settings.access_channels()
    senders = [access.key for access in access_channels if channel.code in access.channels]
    for report in reports:
        time = report.time or world.clock.now()
        if report.kind is ReceiptKind.COMPLAINED:
            suppressions.set_opt_out(
                world, channel.type, report.contact, senders, out=True, time=time, code="complaint"
            )
        elif report.undeliverable or (report.soft and _is_worn_out(world, channel, report.contact)):
            code = provider_ids.masked(report.code, report.contact)
            _mark(world, channel, report.contact, Suppression(code, time))


def _is_worn_out(world: World, channel: Channel, contact: str) -> bool:
    """Count a soft bounce of a contact. True when there were too many in the window."""
    most = channel_options.of(channel.options).soft_bounces
    if most == 0:
        return False
    now = world.clock.now() // 1000
    identity = contacts.identity(channel.type, contact).encode("utf-8", "surrogatepass")
    name = keys.join("bounces", world.vault.mac("bounces", identity).hex()[:32], now // WINDOW)
    counted = world.counters.take(name, 1, most, now + 2 * WINDOW)
    return not counted.granted or counted.left == 0


def _mark(world: World, channel: Channel, contact: str, reported: Suppression) -> None:
    mark = partial(
        suppressed.mark_undeliverable,
        channel_type=channel.type,
        contact=contact,
        suppression=reported,
    )
    updates = {userid: [mark] for userid in world.audiences.users_of(channel.type, contact)}
    if updates:
        suppressions.change(world, updates)
