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
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib import config, observability, wiring
from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.errors import Misconfigured
from chalicelib.domain.jobs import DeliverJob, QueryJob
from chalicelib.domain.provider_io import Receipt, Reply
from chalicelib.domain.values import frozen
from chalicelib.entrypoints.workers.cmpp_connections import ProvidersOfWorker, Shared, Turn
from chalicelib.flow import deliver, provider_query, receipts
from chalicelib.flow.delivery import sessions
from chalicelib.ports import QueueMessage, QueueReader, World
from chalicelib.providers.sms.cmpp import receipts as cmpp_receipts
from chalicelib.providers.sms.cmpp.lines import GatewayAccount, Incoming
from chalicelib.providers.sms.cmpp.provider import WORKER, Cmpp

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
        # A quarter of the threads here, not of the functions, may be slow by one tenant.
        threads = tuple(THREADS[priority] for priority in Priority)
        limits = replace(world.limits, concurrency=threads)
        providers = ProvidersOfWorker(world.providers, self.shared)
        self.world = replace(world, providers=providers, limits=limits)
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
                for code in set(self.shared.channels) - {channel.code for channel in channels}:
                    self.shared.drop(code)
                observability.flush_metrics()
        except Exception as error:  # the worker keeps its channels, and tries again later
            log.error("settings_not_read", exc_info=error)

    def _open(self, channel: Channel) -> None:
        try:
            self.shared.keep(sessions.account_of(self.world, channel))
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
        """Store, then acknowledge. The gateway sends again what is not acknowledged.

        A report of which nobody knows yet what it is about is left for that.
        """
        try:
            batch = [
                incoming
                for incoming in batch
                if not cmpp_receipts.is_undecided(incoming.deliver, incoming.group_ids)
            ]
            with self.turn.taken():
                for account in dict.fromkeys(incoming.account for incoming in batch):
                    self._store(
                        account, [incoming for incoming in batch if incoming.account == account]
                    )
            for incoming in batch:
                incoming.answer(0)
        except Exception as error:  # logged, and the gateway sends the reports again
            log.error("reports_not_stored", exc_info=error, extra={"reports": len(batch)})
            return False
        return True

    def _store(self, account: GatewayAccount, batch: Sequence[Incoming]) -> None:
        now, senders = self.world.clock.now(), self.shared.senders_of(account)
        # People also answer to the number of a channel that has another account by now.
        living = {code: senders[code] for code in senders if code in self.shared.channels}
        dead = [stat for settings in living.values() for stat in settings.dead_stats]
        reports: list[Receipt] = []
        for incoming in batch:
            entry = cmpp_receipts.read(incoming.deliver, now, incoming.group_ids, dead)
            if isinstance(entry, Receipt):
                reports.append(entry)
            elif isinstance(entry, Reply):
                for code in cmpp_receipts.addressed(incoming.deliver.to, living):
                    receipts.record_replies(self.world, code, [entry])
        receipts.record_of_account(self.world, list(senders), reports)


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
