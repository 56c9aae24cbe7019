"""The worker that speaks CMPP: `python -m chalicelib.entrypoints.workers.cmpp`. It runs until SIGTERM.

It keeps the connections of all CMPP channels open, works through the queues `cmpp-1` to `cmpp-3`, each with threads of its own, and
adds what comes in to the ledger before it says so to the gateway. Nothing is kept here that is not stored elsewhere too: what a
worker that dies has in hand comes back from the queue or from the gateway.

Threads take turns in everything but waiting (for a queue, for a gateway): the adapters are made for one thread.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from chalicelib import config, observability, wiring
from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import Channel, ChannelType, Priority
from chalicelib.domain.errors import Misconfigured
from chalicelib.domain.jobs import DeliverJob, QueryJob
from chalicelib.domain.provider_io import Account, Receipt, Reply
from chalicelib.flow import deliver, provider_query, receipts
from chalicelib.ports import Provider, Providers, QueueMessage, QueueReader, Session, World
from chalicelib.providers.sms.cmpp import receipts as cmpp_receipts
from chalicelib.providers.sms.cmpp.gateway import Gateway, Incoming
from chalicelib.providers.sms.cmpp.provider import WORKER, Cmpp
from chalicelib.providers.sms.cmpp.session import CmppSession
from chalicelib.providers.sms.receipts import NO_SUCH_NUMBER

log = logging.getLogger("openums")

THREADS = {
    Priority.HIGH: 6,
    Priority.MEDIUM: 3,
    Priority.LOW: 3,
}  # jobs at once; together fewer than a connection's window
GATHER = 100  # of what came in, added to the ledger at once


@dataclass(frozen=True)
class Pauses:
    """Seconds that a worker waits."""

    refresh: float = 30.0  # between looks at the settings
    store_again: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)  # then the gateway has to send it again
    after_failure: float = 5.0  # until a queue that cannot be read is asked again


class Turn:
    """Who has it works; who waits for a gateway is `away` and lets others work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        with self._lock:
            yield

    @contextmanager
    def away(self) -> Iterator[None]:
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()


class Shared:
    """The worker's provider: its sessions use the connections that are open. Implements Provider."""

    def __init__(
        self, cmpp: Cmpp, timeout: float, turn: Turn, take: Callable[[Incoming], None]
    ) -> None:
        self.capabilities = cmpp.capabilities
        self.check_credentials, self.check_content = cmpp.check_credentials, cmpp.check_content
        self.webhook_secret, self.read_webhook = cmpp.webhook_secret, cmpp.read_webhook
        self._cmpp, self._timeout, self._turn, self._take = cmpp, timeout, turn, take
        self.gateways: dict[str, Gateway] = {}

    @contextmanager
    def connect(self, account: Account) -> Iterator[Session]:
        yield CmppSession(self.keep(account), self._timeout, self._turn.away)

    def keep(self, account: Account) -> Gateway:
        """The account's open connections; new ones when its settings have changed. The old ones may finish what they began."""
        settings, held = self._cmpp.settings(account), self.gateways.get(account.code)
        if held is not None and held.settings == settings:
            return held
        self.drop(account.code)
        fresh = self.gateways[account.code] = self._cmpp.gateway(account.code, settings, self._take)
        fresh.start()
        return fresh

    def drop(self, code: str) -> None:
        """Says goodbye for this channel, when what it began has had its time."""
        held = self.gateways.pop(code, None)
        if held is not None:
            later = threading.Timer(2 * self._timeout, held.stop)
            later.daemon = True
            later.start()

    def stop(self) -> None:
        for gateway in self.gateways.values():
            gateway.stop()


class _Providers:
    """All providers, of which one is the worker's own."""

    def __init__(self, others: Providers, own: Provider) -> None:
        self._others, self._own = others, own

    def of(self, platform: str) -> Provider:
        return (
            self._own if platform == self._own.capabilities.platform else self._others.of(platform)
        )

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        return self._others.platforms(channel_type)


class Worker:
    def __init__(
        self,
        world: World,
        cmpp: Cmpp,
        readers: Mapping[Priority, QueueReader],
        timeout: float,
        pauses: Pauses = Pauses(),
    ) -> None:
        self._pauses = pauses
        self.turn, self.stopping = Turn(), threading.Event()
        self.incoming: queue.SimpleQueue[Incoming | None] = queue.SimpleQueue()
        self.shared = Shared(cmpp, timeout, self.turn, self.incoming.put)
        self.world = replace(world, providers=_Providers(world.providers, self.shared))
        self._readers = readers

    def run(self) -> None:
        """Until `stopping` is set; then what is in hand is finished, and every gateway is told goodbye."""
        workers = [
            threading.Thread(
                target=self._work,
                args=(self._readers[priority],),
                name=f"jobs-{priority.value}-{n}",
            )
            for priority, number in THREADS.items()
            for n in range(number)
        ]
        reader = threading.Thread(target=self._take_in, name="incoming")
        self._refresh()
        for thread in (*workers, reader):
            thread.start()
        log.info("worker_started", extra={"worker": WORKER})
        while not self.stopping.wait(self._pauses.refresh):
            self._refresh()
        for thread in workers:
            thread.join()
        self.incoming.put(None)
        reader.join()
        self.shared.stop()
        log.info("worker_stopped", extra={"worker": WORKER})

    def _refresh(self) -> None:
        """Open what was configured meanwhile, since reports come also while nothing is sent, and leave what was deleted."""
        try:
            with self.turn.taken():
                own = [
                    c
                    for c in self.world.settings.channels()
                    if c.platform == self.shared.capabilities.platform
                ]
                for channel in own:
                    self._open(channel)
                for code in set(self.shared.gateways) - {channel.code for channel in own}:
                    self.shared.drop(code)
                observability.flush_metrics()
        except Exception as error:  # the worker goes on with what it has, and looks again
            log.error("settings_not_read", exc_info=error)

    def _open(self, channel: Channel) -> None:
        try:
            plain = self.world.credentials.open_credentials(channel.sealed_credentials)
            self.shared.keep(Account(channel.code, plain, channel.options))
        except Misconfigured as error:
            log.warning(
                "channel_misconfigured", extra={"channel": channel.code, "code": error.code}
            )
        except (
            Exception
        ) as error:  # tried again with the next look; the other channels need not wait for that
            log.error("channel_not_opened", exc_info=error, extra={"channel": channel.code})

    # ---- jobs

    def _work(self, queue_reader: QueueReader) -> None:
        while not self.stopping.is_set():
            try:
                messages = queue_reader.receive()
            except Exception as error:  # a queue that cannot be read is asked again
                log.error("queue_not_read", exc_info=error)
                self.stopping.wait(self._pauses.after_failure)
                continue
            for message in messages:
                self._do(queue_reader, message)

    def _do(self, queue_reader: QueueReader, message: QueueMessage) -> None:
        """A job that fails comes back by itself; after some times it is a dead letter."""
        try:
            job = envelopes.decode_channel(message.body)
            with self.turn.taken():
                if isinstance(job, DeliverJob):
                    deliver.deliver(self.world, job)
                elif isinstance(job, QueryJob):
                    provider_query.answer(self.world, job)
                else:
                    raise ValueError("not for a worker")
            queue_reader.done(message)
        except Exception as error:  # logged with its id, and left in the queue
            log.error(
                "job_failed",
                exc_info=error,
                extra={"message_id": message.id, "receives": message.receives},
            )

    # ---- what comes in

    def _take_in(self) -> None:
        while True:
            first = self.incoming.get()
            if first is None:
                return
            batch = [first]
            while len(batch) < GATHER:
                try:
                    more = self.incoming.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    self.incoming.put(None)
                    break
                batch.append(more)
            self._record_patiently(batch)

    def _record_patiently(self, batch: Sequence[Incoming]) -> None:
        """Again after a while, and at last one by one: one that can't be stored must not hold up the others."""
        for wait in self._pauses.store_again:
            if self._record(batch):
                return
            self.stopping.wait(wait)
        for each in batch:
            self._record([each])

    def _record(self, batch: Sequence[Incoming]) -> bool:
        """Store, then answer. What is not answered comes again."""
        try:
            with self.turn.taken():
                for code in dict.fromkeys(each.code for each in batch):
                    self._store(code, [each for each in batch if each.code == code])
            for each in batch:
                each.answer(0)
        except Exception as error:  # logged; the gateway sends it again
            log.error("reports_not_stored", exc_info=error, extra={"reports": len(batch)})
            return False
        return True

    def _store(self, code: str, batch: Sequence[Incoming]) -> None:
        now, gateway = self.world.clock.now(), self.shared.gateways.get(code)
        dead = gateway.settings.dead_stats if gateway else NO_SUCH_NUMBER
        found = [cmpp_receipts.read(each.deliver, now, dead) for each in batch]
        receipts.record(self.world, code, [each for each in found if isinstance(each, Receipt)])
        receipts.record_replies(
            self.world, code, [each for each in found if isinstance(each, Reply)]
        )


def main() -> None:
    from chalicelib.web.egress import Policy

    observability.set_up().append_keys(function=WORKER)
    own = config.settings()
    readers = {
        priority: wiring.queue_reader(config.worker_queue(WORKER, priority))
        for priority in Priority
    }
    worker = Worker(
        wiring.world(),
        Cmpp(Policy(own.egress_allow), own.provider_timeout),
        readers,
        own.provider_timeout,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stopping.set())
    worker.run()


if __name__ == "__main__":
    main()
