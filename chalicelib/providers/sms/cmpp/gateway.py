"""The open connections to one CMPP account.

A thread reads each connection, keeps it alive, and reconnects with growing waits when it breaks. A
thread that submits waits for its answer. One lock guards everything but the sockets.
"""

from __future__ import annotations

import datetime
import logging
import threading
import time
from collections.abc import Callable, Iterable

from chalicelib import observability
from chalicelib.domain.errors import Misconfigured, ProviderError, Unavailable, Uncertain
from chalicelib.providers.base import CHINA
from chalicelib.providers.sms.cmpp.group_ids import GroupIds
from chalicelib.providers.sms.cmpp.lines import Dialler, Incoming, Line, Stream
from chalicelib.providers.sms.cmpp.link import (
    NOT_AUTHENTIC,
    Closed,
    Delivered,
    Event,
    Link,
    Opened,
    Submitted,
    Unreadable,
)
from chalicelib.providers.sms.cmpp.messages import DeliverResp, Submit, SubmitResp
from chalicelib.providers.sms.cmpp.waits import USUAL, Waits

log = logging.getLogger(__name__)

FAREWELL = 5.0  # seconds for TERMINATE and its answer


class Gateway:
    """The connections of one account. The reading threads call `take`, which must not wait.

    `code`: the delivery channel that first opened them, for the log. `group_ids`: of the account,
    whose reports come on any of its connections.
    """

    def __init__(
        self,
        code: str,
        line: Line,
        dial: Dialler,
        take: Callable[[Incoming], None],
        waits: Waits = USUAL,
        group_ids: GroupIds | None = None,
    ) -> None:
        self.code, self.line, self.dial, self.take = code, line, dial, take
        self.waits, self.group_ids = waits, group_ids or GroupIds()
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self._connections = [Connection(self) for _ in range(line.connections)]
        self._threads = [
            threading.Thread(target=connection.run, daemon=True, name=f"{code}-{n}")
            for n, connection in enumerate(self._connections)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Say goodbye on every connection. Unanswered SUBMITs are lost: stop when nobody submits
        any more.
        """
        self.stopping.set()
        for connection in self._connections:
            connection.say_goodbye()
        until = time.monotonic() + FAREWELL
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        for connection in self._connections:
            connection.shut()

    def wait_open(self, until: float) -> None:
        """Wait for an open connection until `until` (monotonic seconds). Raises why none opens."""
        self._choose(until, lambda connection: connection.is_open)

    def submit(
        self, submit: Submit, until: float, on: Connection | None = None
    ) -> tuple[SubmitResp, Connection]:
        """Return the answer and its connection: all parts of one message use one connection.

        Raises Unavailable or Misconfigured if nothing was sent, and Uncertain if the answer did not
        come.
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
                    is_open = any(c.is_open for c in self._connections)
                    raise Unavailable("window_full" if is_open else self._error_code())

    def _raise_if_hopeless(self) -> None:
        """Raise Misconfigured when every connection waits for an operator."""
        errors = [c.error for c in self._connections if not c.is_open]
        needs_operator = all(isinstance(error, Misconfigured) for error in errors)
        if len(errors) == len(self._connections) and needs_operator:
            raise Misconfigured(self._error_code())

    def _error_code(self) -> str:
        return next((c.error.code for c in self._connections if c.error), "no_connection")


class Connection:
    """A connection that is opened again whenever it ends. A thread runs it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._life: Life | None = None
        self.error: ProviderError | None = None  # the reason, while none is open

    @property
    def is_open(self) -> bool:
        return self._life is not None and self._life.opened

    @property
    def free(self) -> int:
        return self._life.link.free if self._life else 0

    def send(self, submit: Submit) -> tuple[Life, int]:
        """Submit a message. Return its life, to be flushed, and the sequence of its answer.

        The caller holds the gateway's lock, and `free` is above 0."""
        if self._life is None:
            raise Unavailable("no_connection")
        return self._life, self._life.link.submit(submit, time.monotonic())

    def run(self) -> None:
        failures = 0
        while not self._gateway.stopping.is_set():
            try:
                opened = self._live()
            except Exception as error:  # whatever happened, this connection is needed
                log.error("gateway_failed", exc_info=error, extra={"channel": self._gateway.code})
                opened = False
            failures = 0 if opened else failures + 1
            by_operator = isinstance(self.error, Misconfigured)
            seconds = self._gateway.waits.after(failures, by_operator=by_operator)
            self._gateway.stopping.wait(seconds)

    def _live(self) -> bool:
        """Run one life, from dialling to its end. Return whether the gateway let us in."""
        gateway = self._gateway
        try:
            stream = gateway.dial()
        except ProviderError as error:
            self._note_error(error)
            return False
        life = Life(gateway, stream)
        with gateway.changed:
            self._life = life
        try:
            closed = life.run(self._note_open)
        finally:
            stream.close()
            with gateway.changed:
                self._life = None
                gateway.changed.notify_all()
        reason = Misconfigured if closed.by_operator else Unavailable
        self._note_error(reason(closed.code or "terminated"))
        return life.was_open

    def _note_open(self) -> None:
        log.info("gateway_connected", extra={"channel": self._gateway.code})
        self.error = None

    def _note_error(self, error: ProviderError) -> None:
        level = logging.INFO if self._gateway.stopping.is_set() else logging.WARNING
        is_ours = isinstance(error, Misconfigured)
        event = "channel_misconfigured" if is_ours else "gateway_disconnected"
        log.log(level, event, extra={"channel": self._gateway.code, "code": error.code})
        if error.code == NOT_AUTHENTIC:
            observability.security("gateway_unverified", channel=self._gateway.code)
        with self._gateway.changed:
            self.error = error
            self._gateway.changed.notify_all()

    def say_goodbye(self) -> None:
        life = self._life
        if life is not None:
            with self._gateway.changed:
                life.link.terminate(time.monotonic())
            life.flush()

    def shut(self) -> None:
        life = self._life
        if life is not None:
            life.stream.shut()


class Life:
    """One connection, from CONNECT to its end."""

    def __init__(self, gateway: Gateway, stream: Stream) -> None:
        self._gateway, self.stream = gateway, stream
        self.link = Link(
            gateway.line.login,
            gateway.line.window,
            idle=gateway.waits.idle,
            patience=gateway.waits.patience,
        )
        self.opened = self.was_open = False
        # By sequence. None: the connection ended before the answer came.
        self._answers: dict[int, SubmitResp | None] = {}
        self._writing = threading.Lock()

    def run(self, on_open: Callable[[], None]) -> Closed:
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
                closed = self._note(events, on_open)
                if self._gateway.stopping.is_set():  # also when it opened only now
                    self.link.terminate(now)
            for event in events:
                if isinstance(event, Delivered):
                    self._gateway.take(self._incoming(event))
            self.flush()
            if closed is not None:
                return closed

    def _note(self, events: Iterable[Event], on_open: Callable[[], None]) -> Closed | None:
        end = None
        for event in events:
            if isinstance(event, Opened):
                self.opened = self.was_open = True
                on_open()
            elif isinstance(event, Submitted):
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

    def _incoming(self, event: Delivered) -> Incoming:
        gateway = self._gateway
        answer = self._answerer(event)
        return Incoming(gateway.line.account, event.deliver, answer, gateway.group_ids)

    def _answerer(self, delivered: Delivered) -> Callable[[int], None]:
        def answer(result: int) -> None:
            with self._gateway.changed:
                self.link.answer(delivered.sequence, DeliverResp(delivered.deliver.id, result))
            self.flush()

        return answer

    def flush(self) -> None:
        """Write the link's bytes, in the order in which the link wrote them."""
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
