"""A CMPP worker with queues in memory, at the sandbox's gateway."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import (
    ChannelType,
    Priority,
)
from chalicelib.domain.facts import FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.entrypoints.workers.cmpp import Pauses, Worker
from chalicelib.flow import dispatch
from chalicelib.ports import QueueMessage
from chalicelib.providers.sms.cmpp.provider import Cmpp
from chalicelib.web.egress import Policy
from tests.builders import a_channel, a_message, a_plan, a_user, at_once
from tests.fakes.world import FakeWorld
from tests.liveness import PATIENCE, eventually
from tests.providers.sandboxes import Sandbox

CODE, ACCOUNT = "cmpp1", "900001"


PAUSES = Pauses(refresh=0.1, store_again=(0.0,), after_failure=0.05)


class Queue:
    """An inbox in memory. What is received and not done is kept in `held`."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.held: dict[str, str] = {}
        self.done_: list[str] = []
        self._lock = threading.Lock()
        self.breaks = 0

    def receive(self) -> Sequence[QueueMessage]:
        with self._lock:
            if self.breaks:
                self.breaks -= 1
                raise OSError("no queue")
            if self.waiting:
                number = str(len(self.held) + len(self.done_))
                self.held[number] = self.waiting.pop(0)
                return [QueueMessage(number, self.held[number], number, 1)]
        time.sleep(0.02)
        return []

    def done(self, message: QueueMessage) -> None:
        with self._lock:
            self.done_.append(self.held.pop(message.handle))


class Office:
    """A worker with all that it stands on."""

    def __init__(self, sandbox: Sandbox, timeout: float = PATIENCE, **options: Any) -> None:
        self.sandbox, self.fake, self.timeout = sandbox, FakeWorld(), timeout
        self.queues = {priority: Queue() for priority in Priority}
        where = {
            "server": "127.0.0.1",
            "port": sandbox.about["cmpp_port"],
            "access_number": "10690001",
            **options,
        }
        login = {"account": ACCOUNT, "password": "secret"}
        self.fake.settings.put_channel(
            a_channel(
                CODE,
                ChannelType.SMS,
                platform="cmpp",
                options=where,
                sealed_credentials=self.fake.credentials.seal_credentials(login),
            )
        )
        self.worker = self.hire()

    def hire(self) -> Worker:
        own = Cmpp(Policy(("127.0.0.1",)), self.timeout)
        return Worker(self.fake.ports, own, self.queues, self.timeout, PAUSES)

    @contextmanager
    def open(self) -> Iterator[Office]:
        thread = threading.Thread(target=self.worker.run)
        thread.start()
        try:
            eventually(lambda: self.sandbox.get("cmpp")["connections"].get(ACCOUNT))
            yield self
        finally:
            self.worker.stopping.set()
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def message(
        self, numbers: Sequence[str], text: str = "hello", number: int = 1, code: str = CODE
    ) -> Message:
        users = [a_user(f"u{n}", text=phone) for n, phone in enumerate(numbers)]
        message = a_message(
            *(user.userid for user in users),
            number=number,
            strategy=at_once("sms"),
            channels={code: ChannelType.SMS},
            call_sizes={code: 99},
            contents={code: {"content": text}},
            workers={code: "cmpp"},
        )
        self.fake.messages.has(message)
        self.fake.ledger.put_plan(a_plan(message, users=users), message)
        return message

    def send(self, message: Message, priority: Priority = Priority.HIGH) -> None:
        chunk = self.fake.ledger.chunk(ChunkId(message.msgid, 0))
        assert chunk is not None
        jobs = dispatch.jobs(message, chunk, 0, 0)
        assert {job.worker for job in jobs} == {"cmpp"}
        self.queues[priority].waiting += [envelopes.encode(job.job) for job in jobs]

    def kinds(self, message: Message) -> list[set[FactKind]]:
        """The facts of each delivery."""
        with self.worker.turn.taken():
            chunk = self.fake.ledger.chunk(ChunkId(message.msgid, 0))
        assert chunk is not None
        return [set(known.facts) for _, known in sorted(chunk.states.items())]


DONE = {FactKind.SUBMITTED, FactKind.DELIVERED}


def phone(n: int, digits: str = "1111") -> str:
    return f"139{n:04d}{digits}"
