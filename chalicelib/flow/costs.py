"""The cost of deliveries, by the prices that hold now. Without prices nothing is rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain import elements, prices
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.prices import Tariff
from chalicelib.domain.provider_io import Recipient
from chalicelib.flow.content import render
from chalicelib.ports import World


def of_recipient(channel: Channel, recipient: Recipient) -> int:
    """Return the cost of a delivery in millionths. An SMS counts the parts of its own text."""
    tariff = prices.tariff(channel, recipient.content)
    return tariff.cost([recipient.contact]) if tariff else 0


class Expected:
    """The cost of deliveries that a message would make, by the prices that hold now."""

    def __init__(self, world: World, message: Message) -> None:
        self._world, self._message = world, message
        self._tariffs: dict[str, Tariff | None] = {}

    def of(self, code: str, contacts: Sequence[str], values: Mapping[str, str]) -> int:
        """Return the cost of deliveries to a person's contacts, in millionths."""
        if not contacts:
            return 0
        if code not in self._tariffs:
            self._tariffs[code] = self._tariff(code, values)
        tariff = self._tariffs[code]
        if tariff is not None and code in self._message.personal:
            tariff = self._tariff(code, values)
        return tariff.cost(contacts) if tariff else 0

    def _tariff(self, code: str, values: Mapping[str, str]) -> Tariff | None:
        channel = self._world.settings.channel(elements.channel_of(code))
        if channel is None or not prices.is_priced(channel):
            return None
        at, ref = ChunkId(self._message.msgid, 0), DeliveryRef(0, code, 0)  # links are equally long
        content = render.personal(self._world, self._message, at, ref, values)
        return prices.tariff(channel, content)


def of_delivery(world: World, message: Message, plan: Plan, ref: DeliveryRef) -> int:
    """Return the cost of a delivery of a plan in millionths."""
    channel = world.settings.channel(elements.channel_of(ref.channel))
    if channel is None or not prices.is_priced(channel):
        return 0
    content = render.personal(world, message, plan.id, ref, plan.values_of(ref.target))
    return of_recipient(channel, Recipient(plan.contact(ref), content))
