"""Prices of deliveries: what the operator pays for each. Pure.

Costs are whole millionths of the currency, so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from chalicelib.domain import sms
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.records import Kind
from chalicelib.domain.templates import Content
from chalicelib.domain.values import frozen

MILLION = 1_000_000
MAX_PREFIXES = 500  # of a delivery channel
LONGEST = 16  # characters of a prefix, with its plus sign
CHINA = "+86"


@frozen
class PriceList:
    """Prices of a delivery channel that have ended. They held until those that came next."""

    code: str
    since: int  # ms, 0: not known
    price: float | None
    prefixes: Mapping[str, float] = field(default_factory=dict)
    version: int = 1

    @property
    def key(self) -> str:
        return f"{self.code}-{self.since:015d}"


PRICE_LISTS = Kind[PriceList](
    "price_list", "price list", key=lambda prices: prices.key, scope=lambda prices: prices.code
)


def is_priced(channel: Channel) -> bool:
    """Tell if any delivery on a channel has a price. Without one, nothing is counted."""
    return bool(channel.price or channel.prefixes)


def price(channel: Channel, contact: str) -> int:
    """Return the price of a delivery to a contact, or of a part of an SMS, in millionths.

    The longest prefix wins. A number of the Chinese mainland is stored without its country.
    """
    number = _international(contact) if channel.prefixes else ""
    for length in range(min(len(number), LONGEST), 1, -1):
        if number[:length] in channel.prefixes:
            return in_millionths(channel.prefixes[number[:length]])
    return in_millionths(channel.price or 0)


def _international(contact: str) -> str:
    if len(contact) == 11 and contact.startswith("1") and contact.isdigit():
        return CHINA + contact
    return contact if contact.startswith("+") else ""


def parts(channel: Channel, content: Content) -> int | None:
    """Return the parts that a carrier charges for an SMS. None: another kind, or its text is not
    known.
    """
    signature = str(channel.options.get("signature") or "")
    text = sms.text_of(content, signature) if channel.type is ChannelType.SMS else None
    return None if text is None else sms.parts(text)


@frozen
class Tariff:
    """Prices of the deliveries of one content on a delivery channel, with all parts of an SMS."""

    channel: Channel
    parts: int

    def cost(self, contacts: Iterable[str]) -> int:
        """Return the cost of deliveries to contacts, in millionths."""
        return self.parts * sum(price(self.channel, contact) for contact in contacts)


def tariff(channel: Channel | None, content: Content) -> Tariff | None:
    """Return the tariff of a content, None where deliveries cost nothing."""
    if channel is None or not is_priced(channel):
        return None
    return Tariff(channel, parts(channel, content) or 1)


def in_millionths(amount: float) -> int:
    return round(amount * MILLION)


def shown(millionths: float) -> float:
    """Return a cost in the currency, as the API shows it."""
    return round(millionths / MILLION, 6)
