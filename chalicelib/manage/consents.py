"""Consents of contacts, as senders and operators record them."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.consents import Consent
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.values import frozen
from chalicelib.ports import World


@frozen
class Said:
    """The word of a contact on a purpose. Without a time (ms) it is said now."""

    kind: ChannelType
    contact: str  # in its canonical spelling
    purpose: str
    given: bool
    time: int | None
    source: str
    text_version: str


def record(world: World, channel_key: str, words: Iterable[Said]) -> None:
    """Record consents, or that they were taken back. The latest word counts."""
    now = world.clock.now()
    for said in words:
        time = now if said.time is None else min(said.time, now)
        consent = Consent(said.given, time, said.source, said.text_version)
        world.consents.put(said.kind, said.contact, channel_key, said.purpose, consent)
