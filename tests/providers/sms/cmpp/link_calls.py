"""The other end of a link, for its tests."""

from __future__ import annotations

from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.fields import Framer
from chalicelib.providers.sms.cmpp.link import (
    Event,
    Link,
    Login,
    Opened,
)
from chalicelib.providers.sms.cmpp.messages import (
    V2,
    V3,
    Connect,
    ConnectResp,
    Deliver,
    Submit,
)

SECRET = "888888"
TEXT = Submit(numbers=("13800138000",), content=b"hi", format=0, account="900001", source="10690")
REPORT = Deliver(id=5, to="10690", number="13800138000", content=bytes(60), is_report=True)


class Gateway:
    """The other end: it keeps the link's writes, and answers them."""

    def __init__(self, version: int = V2, check: bool = True, window: int = 16) -> None:
        self.version = version
        self.link = Link(Login("900001", SECRET, version, check), window)
        self._framer = Framer()
        self.link.connect(0.0, 1021080510)

    def read(self) -> list[tuple[int, messages.Body]]:
        return [codec.decode(frame, self.version) for frame in self._framer.feed(self.link.take())]

    def say(self, body: messages.Body, sequence: int, now: float = 0.0) -> list[Event]:
        return list(self.link.feed(codec.encode(body, sequence, self.version), now))

    def greeting(self, status: int = 0, secret: str = SECRET, size: int = 0) -> ConnectResp:
        ((_, hello),) = self.read()
        assert isinstance(hello, Connect)
        size = size or (4 if self.version == V3 else 1)
        return ConnectResp(
            status,
            codec.counter_authenticator(status, size, hello.authenticator, secret),
            self.version,
        )


def opened(version: int = V2, window: int = 16) -> Gateway:
    gateway = Gateway(version, window=window)
    assert gateway.say(gateway.greeting(), 1) == [Opened()]
    return gateway
