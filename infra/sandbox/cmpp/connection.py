"""Connections of clients to the CMPP gateway, and DELIVERs on their way to the clients."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.fields import Framer
from chalicelib.providers.sms.cmpp.messages import Deliver
from infra.sandbox.accounts import Account


@dataclass(eq=False)
class Connection:
    writer: asyncio.StreamWriter
    account: Account
    version: int
    unanswered: int = 0  # SUBMITs
    sequences: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def write(self, body: messages.Body, sequence: int | None = None) -> int:
        number = next(self.sequences) if sequence is None else sequence
        if not self.writer.is_closing():
            self.writer.write(codec.encode(body, number, self.version))
        return number


@dataclass(eq=False)
class Outgoing:
    """A report or reply on its way."""

    account: Account
    deliver: Deliver
    origin: Connection | None = None  # the connection of the reported message
    taken: asyncio.Event = field(default_factory=asyncio.Event)


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    framer = Framer()
    while data := await reader.read(65_536):
        for frame in framer.feed(data):
            yield frame
