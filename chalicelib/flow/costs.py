"""The cost of deliveries, by the prices that hold now. Without prices nothing is rendered."""

from __future__ import annotations

from chalicelib.domain import elements, prices
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan
from chalicelib.domain.provider_io import Recipient
from chalicelib.flow.content import render
from chalicelib.ports import World


def of_recipient(channel: Channel, recipient: Recipient) -> int:
    """Return the cost of a delivery in millionths. An SMS counts the parts of its own text."""
    tariff = prices.tariff(channel, recipient.content)
    return tariff.cost([recipient.contact]) if tariff else 0


def of_delivery(world: World, message: Message, plan: Plan, ref: DeliveryRef) -> int:
    """Return the cost of a delivery of a plan in millionths."""
    channel = world.settings.channel(elements.channel_of(ref.channel))
    if channel is None or not prices.is_priced(channel):
        return 0
    content = render.personal(world, message, plan.id, ref, plan.values_of(ref.target))
    return of_recipient(channel, Recipient(plan.contact(ref), content))
