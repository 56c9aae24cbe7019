"""The CMPP worker: `python -m chalicelib.entrypoints.workers.cmpp`. It runs until SIGTERM.

The worker keeps the connections of all CMPP channels open. It works through the queues `cmpp-1` to
`cmpp-3`, each with its own threads. It stores reports in the ledger before it acknowledges them to
the gateway. Everything is stored elsewhere too: if a worker dies, its jobs come back from the
queue, and unacknowledged reports from the gateway.

The adapters are made for one thread. Therefore only one thread runs at a time. While a thread waits
for a queue or a gateway, others run.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from chalicelib import config, observability, wiring
from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import Channel, ChannelType, Priority
from chalicelib.domain.errors import Misconfigured
from chalicelib.domain.jobs import DeliverJob, QueryJob
from chalicelib.domain.provider_io import Account, Receipt, Reply
from chalicelib.domain.values import frozen
from chalicelib.flow import deliver, provider_query, receipts
from chalicelib.ports import Provider, Providers, QueueMessage, QueueReader, Session, World
from chalicelib.providers.sms.cmpp import receipts as cmpp_receipts
from chalicelib.providers.sms.cmpp.gateway import Gateway, Incoming
from chalicelib.providers.sms.cmpp.provider import WORKER, Cmpp
from chalicelib.providers.sms.cmpp.session import CmppSession
from chalicelib.providers.sms.receipts import NO_SUCH_NUMBER

log = logging.getLogger("openums")

# Jobs at once. Together they are fewer than a connection's window.
THREADS = {Priority.HIGH: 6, Priority.MEDIUM: 3, Priority.LOW: 3}
GATHER = 100  # reports that are added to the ledger at once


@frozen
class Pauses:
    """Seconds that a worker waits."""

    refresh: float = 30.0  # between reads of the settings
    # Between tries to store reports. After the last one, the gateway has to send them again.
    store_again: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    after_failure: float = 5.0  # until a queue that cannot be read is read again


PAUSES = Pauses()


class Turn:
    """A lock held while working. `away()` releases it while the thread waits for a gateway."""

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
    """The worker's Provider, whose sessions share the open connections."""

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
        """Return the account's open connections, or open new ones if its settings have changed.

        The old connections may finish what they began.
        """
        settings, gateway = self._cmpp.settings(account), self.gateways.get(account.code)
        if gateway is not None and gateway.settings == settings:
            return gateway
        self.drop(account.code)
        gateway = self._cmpp.gateway(account.code, settings, self._take)
        self.gateways[account.code] = gateway
        gateway.start()
        return gateway

    def drop(self, code: str) -> None:
        """Close the connections of a channel, after the time for what they began."""
        gateway = self.gateways.pop(code, None)
        if gateway is not None:
            later = threading.Timer(2 * self._timeout, gateway.stop)
            later.daemon = True
            later.start()

    def stop(self) -> None:
        for gateway in self.gateways.values():
            gateway.stop()


class _Providers:
    """All providers, with the worker's provider in its place."""

    def __init__(self, others: Providers, shared: Provider) -> None:
        self._others, self._shared = others, shared

    def of(self, platform: str) -> Provider:
        is_shared = platform == self._shared.capabilities.platform
        return self._shared if is_shared else self._others.of(platform)

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        return self._others.platforms(channel_type)


class Worker:
    def __init__(
        self,
        world: World,
        cmpp: Cmpp,
        readers: Mapping[Priority, QueueReader],
        timeout: float,
        pauses: Pauses = PAUSES,
    ) -> None:
        self._pauses = pauses
        self.turn, self.stopping = Turn(), threading.Event()
        self.incoming: queue.SimpleQueue[Incoming | None] = queue.SimpleQueue()
        self.shared = Shared(cmpp, timeout, self.turn, self.incoming.put)
        self.world = replace(world, providers=_Providers(world.providers, self.shared))
        self._readers = readers

    def run(self) -> None:
        """Work until `stopping` is set, then finish the jobs at hand and close every connection."""
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
        """Connect new channels, and disconnect deleted ones.

        Channels stay connected while nothing is sent, because reports come at any time.
        """
        try:
            with self.turn.taken():
                platform = self.shared.capabilities.platform
                channels = [c for c in self.world.settings.channels() if c.platform == platform]
                for channel in channels:
                    self._open(channel)
                for code in set(self.shared.gateways) - {channel.code for channel in channels}:
                    self.shared.drop(code)
                observability.flush_metrics()
        except Exception as error:  # the worker keeps its channels, and tries again later
            log.error("settings_not_read", exc_info=error)

    def _open(self, channel: Channel) -> None:
        try:
            plain = self.world.credentials.open_credentials(channel.sealed_credentials)
            self.shared.keep(Account(channel.code, plain, channel.options))
        except Misconfigured as error:
            log.warning(
                "channel_misconfigured", extra={"channel": channel.code, "code": error.code}
            )
        except Exception as error:  # tried again later, so that other channels need not wait
            log.error("channel_not_opened", exc_info=error, extra={"channel": channel.code})

    # -- jobs

    def _work(self, queue_reader: QueueReader) -> None:
        while not self.stopping.is_set():
            try:
                messages = queue_reader.receive()
            except Exception as error:  # a queue that cannot be read is read again later
                log.error("queue_not_read", exc_info=error)
                self.stopping.wait(self._pauses.after_failure)
                continue
            for message in messages:
                self._do(queue_reader, message)

    def _do(self, queue_reader: QueueReader, message: QueueMessage) -> None:
        """Do a job. A failed job comes back from the queue, and at last becomes a dead letter."""
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

    # -- reports and replies

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
        """Store a batch, with retries, and at last one by one.

        A report that cannot be stored must not hold up the others.
        """
        for wait in self._pauses.store_again:
            if self._record(batch):
                return
            self.stopping.wait(wait)
        for incoming in batch:
            self._record([incoming])

    def _record(self, batch: Sequence[Incoming]) -> bool:
        """Store, then acknowledge. The gateway sends again what is not acknowledged."""
        try:
            with self.turn.taken():
                for code in dict.fromkeys(incoming.code for incoming in batch):
                    self._store(code, [incoming for incoming in batch if incoming.code == code])
            for incoming in batch:
                incoming.answer(0)
        except Exception as error:  # logged, and the gateway sends the reports again
            log.error("reports_not_stored", exc_info=error, extra={"reports": len(batch)})
            return False
        return True

    def _store(self, code: str, batch: Sequence[Incoming]) -> None:
        now, gateway = self.world.clock.now(), self.shared.gateways.get(code)
        dead = gateway.settings.dead_stats if gateway else NO_SUCH_NUMBER
        read = [cmpp_receipts.read(incoming.deliver, now, dead) for incoming in batch]
        reports = [report for report in read if isinstance(report, Receipt)]
        replies = [reply for reply in read if isinstance(reply, Reply)]
        receipts.record(self.world, code, reports)
        receipts.record_replies(self.world, code, replies)


def main() -> None:
    from chalicelib.web.egress import Policy

    observability.set_up()
    observability.bind(function=WORKER)
    settings = config.settings()
    readers = {
        priority: wiring.queue_reader(config.worker_queue(WORKER, priority))
        for priority in Priority
    }
    worker = Worker(
        wiring.world(),
        Cmpp(Policy(settings.egress_allow), settings.provider_timeout),
        readers,
        settings.provider_timeout,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stopping.set())
    worker.run()


if __name__ == "__main__":
    main()
