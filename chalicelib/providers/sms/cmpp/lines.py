"""A line to a gateway: the account that it logs in to, its stream, and what comes in on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import NamedTuple, Protocol

from chalicelib.domain.values import frozen
from chalicelib.providers.sms.cmpp.group_ids import GroupIds
from chalicelib.providers.sms.cmpp.link import Login
from chalicelib.providers.sms.cmpp.messages import Deliver


class GatewayAccount(NamedTuple):
    """An account as its gateway knows it, whichever delivery channels send over it."""

    server: str
    port: int
    name: str


@frozen
class Line:
    """The connections of an account. Delivery channels with the same line share them."""

    server: str
    port: int
    login: Login
    connections: int
    window: int

    @property
    def account(self) -> GatewayAccount:
        return GatewayAccount(self.server, self.port, self.login.account)


class Stream(Protocol):
    """Interface of `web.tcp.Stream`."""

    def read(self, wait: float) -> bytes | None: ...
    def write(self, data: bytes) -> bool: ...
    def shut(self) -> None: ...
    def close(self) -> None: ...


Dialler = Callable[[], Stream]


@frozen
class Incoming:
    """A DELIVER of an account.

    Call `answer` when its facts are stored. It uses the connection of the DELIVER. The gateway
    repeats the DELIVER until then.
    """

    account: GatewayAccount
    deliver: Deliver = field(repr=False)
    answer: Callable[[int], None] = field(repr=False)
    group_ids: GroupIds = field(repr=False)
