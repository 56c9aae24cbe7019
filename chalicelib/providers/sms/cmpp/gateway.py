"""The open connections to one CMPP account: a thread reads each, comes back with growing waits when it breaks, and keeps it alive.

Whoever submits waits for the answer in a thread of its own. One lock guards everything but the sockets.
"""

from __future__ import annotations

import datetime
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.domain.errors import Misconfigured, ProviderError, Unavailable, Uncertain
from chalicelib.providers.base import CHINA
from chalicelib.providers.sms.cmpp.codec import Deliver, DeliverResp, Submit, SubmitResp
from chalicelib.providers.sms.cmpp.link import (
    IDLE,
    PATIENCE,
    Closed,
    Delivered,
    Event,
    Link,
    Opened,
    QueryResult,
    Unreadable,
)
from chalicelib.providers.sms.cmpp.settings import Settings

log = logging.getLogger(__name__)

FAREWELL = 5.0  # seconds for TERMINATE and its answer


@dataclass(frozen=True)
class Waits:
    """Seconds that the threads of a gateway wait."""

    tick: float = 0.5  # between looks at what is due
    shortest: float = 1.0  # before connecting again
    longest: float = 60.0
    idle: float = IDLE
    patience: float = PATIENCE

    def after(
        self,
        failures: int,
        *,
        by_operator: bool,
        chance: Callable[[float, float], float] = random.uniform,
    ) -> float:
        """Return the wait before the next try, twice as long after each failure.

        It is the longest at once where an operator must act.
        """
        growing = min(self.shortest * 2.0 ** min(failures, 30), self.longest)
        return (self.longest if by_operator else growing) * chance(0.5, 1)


USUAL = Waits()


class Stream(Protocol):
    """What `web.tcp.Stream` does."""

    def read(self, wait: float) -> bytes | None: ...
    def write(self, data: bytes) -> bool: ...
    def shut(self) -> None: ...
    def close(self) -> None: ...


Dial = Callable[[], Stream]


@dataclass(frozen=True)
class Incoming:
    """A DELIVER of an account. `answer` it when its facts are stored, on the connection that it came on; until then it comes again."""

    code: str
    deliver: Deliver = field(repr=False)
    answer: Callable[[int], None] = field(repr=False)


class Gateway:
    """`take` gets what comes in, from the reading threads: it must not wait."""

    def __init__(
        self,
        code: str,
        settings: Settings,
        dial: Dial,
        take: Callable[[Incoming], None],
        waits: Waits = USUAL,
    ) -> None:
        self.code, self.settings, self.dial, self.take = code, settings, dial, take
        self.waits = waits
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self._connections = [Connection(self) for _ in range(settings.connections)]
        self._threads = [
            threading.Thread(target=each.run, daemon=True, name=f"{code}-{n}")
            for n, each in enumerate(self._connections)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Says goodbye on every connection. What was not answered is lost: stop when nobody submits any more."""
        self.stopping.set()
        for connection in self._connections:
            connection.part()
        until = time.monotonic() + FAREWELL
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        for connection in self._connections:
            connection.cut()

    def wait_open(self, until: float) -> None:
        """Until one connection is open (monotonic seconds); raises what is wrong."""
        self._choose(until, lambda connection: connection.is_open)

    def submit(
        self, submit: Submit, until: float, on: Connection | None = None
    ) -> tuple[SubmitResp, Connection]:
        """The answer, and the connection it came on: the parts of one message stay on one connection.

        Raises Unavailable or Misconfigured while nothing was sent, Uncertain when it was and no answer came.
        """
        with self.changed:
            connection = self._choose(
                until, lambda c: c.free > 0 and (on is None or c is on or not on.is_open)
            )
            life, sequence = connection.send(submit)
        life.flush()
        return life.await_answer(sequence, until), connection

    def _choose(self, until: float, fits: Callable[[Connection], bool]) -> Connection:
        with self.changed:
            while True:
                fitting = [c for c in self._connections if fits(c)]
                if fitting:
                    return max(fitting, key=lambda c: c.free)
                self._raise_if_hopeless()
                left = until - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    raise Unavailable(
                        "window_full"
                        if any(c.is_open for c in self._connections)
                        else self._trouble()
                    )

    def _raise_if_hopeless(self) -> None:
        """When every connection waits for an operator."""
        troubles = [c.trouble for c in self._connections if not c.is_open]
        if len(troubles) == len(self._connections) and all(
            isinstance(t, Misconfigured) for t in troubles
        ):
            raise Misconfigured(self._trouble())

    def _trouble(self) -> str:
        return next((c.trouble.code for c in self._connections if c.trouble), "no_connection")


class Connection:
    """One place for a connection, which lives again and again. Implements what its thread does."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._life: Life | None = None
        self.trouble: ProviderError | None = None  # why there is none

    @property
    def is_open(self) -> bool:
        return self._life is not None and self._life.opened

    @property
    def free(self) -> int:
        return self._life.link.free if self._life else 0

    def send(self, submit: Submit) -> tuple[Life, int]:
        """Under the lock, after `free` was seen; `flush` the life afterwards."""
        if self._life is None:
            raise Unavailable("no_connection")
        return self._life, self._life.link.submit(submit, time.monotonic())

    def run(self) -> None:
        failures = 0
        while not self._gateway.stopping.is_set():
            try:
                opened = self._live()
            except Exception as error:  # whatever it was, this connection is needed
                log.error("gateway_failed", exc_info=error, extra={"channel": self._gateway.code})
                opened = False
            failures = 0 if opened else failures + 1
            by_operator = isinstance(self.trouble, Misconfigured)
            self._gateway.stopping.wait(
                self._gateway.waits.after(failures, by_operator=by_operator)
            )

    def _live(self) -> bool:
        """From dialling to the end; whether the gateway let us in."""
        gateway = self._gateway
        try:
            stream = gateway.dial()
        except ProviderError as error:
            self._is_down(error)
            return False
        life = Life(gateway, stream)
        with gateway.changed:
            self._life = life
        try:
            closed = life.run(self._is_up)
        finally:
            stream.close()
            with gateway.changed:
                self._life = None
                gateway.changed.notify_all()
        self._is_down(
            (Misconfigured if closed.by_operator else Unavailable)(closed.code or "terminated")
        )
        return life.was_open

    def _is_up(self) -> None:
        log.info("gateway_connected", extra={"channel": self._gateway.code})
        self.trouble = None

    def _is_down(self, error: ProviderError) -> None:
        level = logging.INFO if self._gateway.stopping.is_set() else logging.WARNING
        event = (
            "channel_misconfigured" if isinstance(error, Misconfigured) else "gateway_disconnected"
        )
        log.log(level, event, extra={"channel": self._gateway.code, "code": error.code})
        with self._gateway.changed:
            self.trouble = error
            self._gateway.changed.notify_all()

    def part(self) -> None:
        life = self._life
        if life is not None:
            with self._gateway.changed:
                life.link.terminate(time.monotonic())
            life.flush()

    def cut(self) -> None:
        life = self._life
        if life is not None:
            life.stream.shut()


class Life:
    """One connection, from CONNECT to its end."""

    def __init__(self, gateway: Gateway, stream: Stream) -> None:
        self._gateway, self.stream = gateway, stream
        self.link = Link(
            gateway.settings.login,
            gateway.settings.window,
            idle=gateway.waits.idle,
            patience=gateway.waits.patience,
        )
        self.opened = self.was_open = False
        self._answers: dict[
            int, SubmitResp | None
        ] = {}  # None: the connection ended before it came
        self._writing = threading.Lock()

    def run(self, is_up: Callable[[], None]) -> Closed:
        stamp = datetime.datetime.now(CHINA).strftime("%m%d%H%M%S")
        with self._gateway.changed:
            self.link.connect(time.monotonic(), int(stamp))
        self.flush()
        while True:
            data = self.stream.read(self._gateway.waits.tick)
            with self._gateway.changed:
                now = time.monotonic()
                events = [
                    *(self.link.feed(data, now) if data is not None else ()),
                    *self.link.tick(now),
                ]
                closed = self._note(events, is_up)
                if self._gateway.stopping.is_set():  # also when it opened only now
                    self.link.terminate(now)
            for event in events:
                if isinstance(event, Delivered):
                    self._gateway.take(
                        Incoming(self._gateway.code, event.deliver, self._answerer(event))
                    )
            self.flush()
            if closed is not None:
                return closed

    def _note(self, events: Iterable[Event], is_up: Callable[[], None]) -> Closed | None:
        end = None
        for event in events:
            if isinstance(event, Opened):
                self.opened = self.was_open = True
                is_up()
            elif isinstance(event, QueryResult):
                self._answers[event.sequence] = event.answer
            elif isinstance(event, Unreadable):
                log.warning(
                    "message_not_understood",
                    extra={"channel": self._gateway.code, "command": f"{event.command:#x}"},
                )
            elif isinstance(event, Closed):
                self.opened, end = False, event
                self._answers.update(dict.fromkeys(event.lost))
        self._gateway.changed.notify_all()
        return end

    def _answerer(self, delivered: Delivered) -> Callable[[int], None]:
        def answer(result: int) -> None:
            with self._gateway.changed:
                self.link.answer(delivered.sequence, DeliverResp(delivered.deliver.id, result))
            self.flush()

        return answer

    def flush(self) -> None:
        """In the order in which the link wrote."""
        with self._writing:
            with self._gateway.changed:
                data = self.link.take()
            if data and not self.stream.write(data):
                self.stream.shut()

    def await_answer(self, sequence: int, until: float) -> SubmitResp:
        with self._gateway.changed:
            while sequence not in self._answers:
                left = until - time.monotonic()
                if left <= 0 or not self._gateway.changed.wait(left):
                    if sequence in self._answers:
                        break
                    self.link.give_up(sequence)
                    raise Uncertain("timeout")
            answer = self._answers.pop(sequence)
        if answer is None:
            raise Uncertain("connection_lost")
        return answer
