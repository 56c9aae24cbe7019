"""The schedule of receipts: one heap, gathered into posts of the account's size."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from infra.sandbox.accounts import Account, Event
from infra.sandbox.outbox import Outbox, Parcel

EARLY_SECONDS = 1.0  # a call waits at most so long until its early receipts have arrived
REPEAT_SECONDS = 0.5

Writer = Callable[[Account, Sequence[Event]], Parcel]


class Receipts:
    """Receipts that are due later. `writers` put them into their provider's envelope."""

    def __init__(self, outbox: Outbox, writers: Mapping[str, Writer]) -> None:
        self._outbox, self._writers = outbox, writers
        self._heap: list[tuple[float, int, Account, Event]] = []
        self._numbers = itertools.count()
        self._gathered: dict[Account, tuple[float, list[Event]]] = {}
        self._wake_at = float("inf")
        self._woken = asyncio.Event()

    def expect(self, account: Account, due: float, event: Event) -> None:
        """Send a receipt at `due` (epoch seconds) to the webhook that the account has then.

        Without a webhook, the receipt is kept to be polled.
        """
        heapq.heappush(self._heap, (due, next(self._numbers), account, event))
        if due < self._wake_at:
            self._wake_at = due
            self._woken.set()

    async def send_early_and_again(self, account: Account, events: Sequence[Event]) -> None:
        """Send receipts out of order and twice.

        They arrive backwards before the answer to their call, and once more a moment later.
        """
        events = list(reversed(events))
        for event in events:
            self.expect(account, time.time() + REPEAT_SECONDS, event)
        posts = self._post(account, events)
        if posts:
            await asyncio.wait(posts, timeout=EARLY_SECONDS)

    def send_reply(self, account: Account, event: Event) -> None:
        """Send a person's reply at once, in a post for itself."""
        if account.webhook_url is None:
            account.replies.append(event)
        else:
            self._outbox.send(self._writers[account.provider](account, [event]))

    async def run(self) -> None:
        while True:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._seconds_to_wait())
            now = time.time()
            self._gather(now)
            self._flush(now)

    def pending(self) -> dict[str, int]:
        """Count the receipts of each provider that are not due or still gathered."""
        counts: Counter[str] = Counter(account.provider for _, _, account, _ in self._heap)
        for account, (_, events) in self._gathered.items():
            counts[account.provider] += len(events)
        return counts

    def drop(self, unwanted: Callable[[Event], bool]) -> None:
        """Drop receipts that will not come any more, because the message was withdrawn."""
        self._heap = [entry for entry in self._heap if not unwanted(entry[3])]
        heapq.heapify(self._heap)

    def clear(self) -> None:
        self._heap.clear()
        self._gathered.clear()

    def _seconds_to_wait(self) -> float | None:
        times = [begun + account.receipt_wait for account, (begun, _) in self._gathered.items()]
        if self._heap:
            times.append(self._heap[0][0])
        self._wake_at = min(times, default=float("inf"))
        return max(0.0, self._wake_at - time.time()) if times else None

    def _gather(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            _, _, account, event = heapq.heappop(self._heap)
            self._gathered.setdefault(account, (now, []))[1].append(event)

    def _flush(self, now: float) -> None:
        """Post every full envelope, and the other envelopes once they have waited long enough."""
        for account, (begun, events) in list(self._gathered.items()):
            size = account.receipt_batch
            over = size == 1 or account.webhook_url is None or now - begun >= account.receipt_wait
            ready = len(events) if over else len(events) - len(events) % size
            self._post(account, events[:ready])
            if ready == len(events):
                del self._gathered[account]
            elif ready:
                self._gathered[account] = (now, events[ready:])

    def _post(self, account: Account, events: Sequence[Event]) -> list[asyncio.Task[None]]:
        if account.webhook_url is None:
            account.unread.extend(events)
            return []
        write, size = self._writers[account.provider], account.receipt_batch
        batches = (events[begin : begin + size] for begin in range(0, len(events), size))
        return [self._outbox.send(write(account, batch)) for batch in batches]
