"""Posting receipts to a webhook as a provider does: after a delay, in arrays, again while the receiver fails. And opening links."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from infra.local.sandbox.behaviour import NO_RECEIPT, Behaviour, behaviour_of
from infra.local.sandbox.journal import Journal

RETRIES = (1.0, 2.0, 4.0, 8.0, 15.0)
CLICK_AFTER = 0.2
FLUSH, TRICKLE_FLUSH = 0.1, 2.0
AT_ONCE = 4  # posts on the way at the same time
_URL = re.compile(r"https?://[^\s\"'<>]+")


@dataclass
class Account:
    """A provider's account, with the webhook that its owner has filled in at the provider's console."""

    provider: str
    app_key: str
    master_secret: str
    webhook_url: str = ""
    receipt_batch: int = 1
    receipt_delay: float = 0.0
    trickle: float = 0.0  # seconds over which the receipts of every other contact are spread
    waiting: list[tuple[float, Any]] = field(default_factory=list)
    reports: list[Any] = field(default_factory=list)  # kept for polling


Encode = Callable[[Account, Sequence[Any]], tuple[dict[str, str], bytes]]


class Posts:
    """Receipts on their way."""

    def __init__(self, journal: Journal, late: float) -> None:
        self.journal, self.late = journal, late
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushing: set[str] = set()

    def start(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def delay_of(self, account: Account, contact: str, number: int) -> float:
        late = self.late if behaviour_of(contact) is Behaviour.LATE else 0.0
        spread = random.uniform(0, account.trickle) if account.trickle and number % 2 else 0.0
        return account.receipt_delay + late + spread

    def enqueue(self, account: Account, encode: Encode, delay: float, event: Any) -> None:
        """Hand a receipt in; it is posted with others that are due by then."""
        account.waiting.append((time.monotonic() + delay, event))
        self.journal.receipts[account.provider]["due"] += 1
        if account.app_key not in self._flushing:
            self._flushing.add(account.app_key)
            self.start(self._flush(account, encode))

    async def _flush(self, account: Account, encode: Encode) -> None:
        while account.waiting:
            # Like the provider, wait a little for arrays to fill.
            await asyncio.sleep(TRICKLE_FLUSH if account.trickle else FLUSH)
            now = time.monotonic()
            ready = [event for at, event in account.waiting if at <= now]
            account.waiting = [(at, event) for at, event in account.waiting if at > now]
            for start in range(0, len(ready), account.receipt_batch):
                self.start(self._post(account, encode, ready[start : start + account.receipt_batch]))
        self._flushing.discard(account.app_key)

    async def _post(self, account: Account, encode: Encode, events: Sequence[Any]) -> None:
        counts = self.journal.receipts[account.provider]
        headers, body = encode(account, events)
        for wait in (*RETRIES, None):
            async with self._slots:
                status = await fetch("POST", account.webhook_url, headers, body)
            if status == 200:
                counts["posted"] += len(events)
                counts["posts"] += 1
                return
            counts[f"failed_{status}"] += 1
            if wait is None:
                counts["given_up"] += len(events)
                return
            await asyncio.sleep(wait)

    def open_link(self, text: str, delay: float) -> None:
        """The person opens the first link in a text, if it leads to this machine."""
        urls = [u for u in _URL.findall(text) if urlsplit(u).hostname in ("127.0.0.1", "localhost")]
        if urls:
            self.start(self._open(urls[0], delay + CLICK_AFTER))

    async def _open(self, url: str, delay: float) -> None:
        await asyncio.sleep(delay)
        async with self._slots:
            status = await fetch("GET", url, {}, b"")
        self.journal.receipts["links"][f"opened_{status}"] += 1


def is_reported(contact: str) -> bool:
    return behaviour_of(contact) not in NO_RECEIPT


async def fetch(method: str, url: str, headers: dict[str, str], body: bytes, timeout: float = 30.0) -> int:
    """One plain HTTP/1.1 request; the status, or 0 when there was none."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = {"Host": parts.netloc, "Connection": "close", "Content-Length": str(len(body)), **headers}
    request = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head.items()) + "\r\n"
    writer = None
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            writer.write(request.encode("latin-1") + body)
            status = (await reader.readline()).split()
            await reader.read()
            return int(status[1]) if len(status) > 1 else 0
    except (OSError, TimeoutError, ValueError):
        return 0
    finally:
        if writer is not None:
            writer.close()
