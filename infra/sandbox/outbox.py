"""What the sandbox sends out by itself: receipts to webhooks, and the links that people open. With retries, counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp

from infra.sandbox.accounts import is_local

TRIES = 6  # each wait twice as long as the one before: 1, 2, 4, 8, 16 s where vendors take minutes to hours
SECONDS = 30.0
CONNECTIONS = 8


@dataclass(frozen=True)
class Parcel:
    """A request of ours. `subject` is what it counts for, `holds` how many receipts are in it."""

    subject: str
    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    holds: int = 1
    wants: Mapping[str, Any] = field(
        default_factory=dict
    )  # what the answer must say, as members of a JSON object

    def arrived(self, status: int, text: str) -> bool:
        """A webhook has taken receipts when it says 200, and what its vendor wants; a page is open when it is there, or leads somewhere."""
        if self.wants:
            return status == 200 and self._says(text)
        return status == 200 if self.method == "POST" else status < 400

    def _says(self, text: str) -> bool:
        try:
            said = json.loads(text)
        except ValueError:
            return False
        return isinstance(said, dict) and all(
            said.get(name) == value for name, value in self.wants.items()
        )


@dataclass
class Counts:
    pending: int = 0
    posted: int = 0
    failed: int = 0
    posts: int = 0  # requests that arrived
    retries: int = 0


class Outbox:
    """`subjects` are what it counts for: the providers with receipts, and `links`."""

    def __init__(self, retry_first: float, subjects: Sequence[str]) -> None:
        self._retry_first, self._subjects = retry_first, subjects
        self.clear()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def send(self, parcel: Parcel, delay: float = 0.0) -> asyncio.Task[None]:
        """Starts sending; the task ends when it has arrived or was given up."""
        self._counts[parcel.subject].pending += parcel.holds
        task = asyncio.create_task(self._send(parcel, self._counts[parcel.subject], delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send(self, parcel: Parcel, counts: Counts, delay: float) -> None:
        await asyncio.sleep(delay)
        for attempt in range(TRIES):
            if attempt:
                counts.retries += 1
                await asyncio.sleep(self._retry_first * 2 ** (attempt - 1))
            status, text = await self.ask(parcel)
            if parcel.arrived(status, text):
                counts.posted += parcel.holds
                counts.posts += 1
                break
        else:
            counts.failed += parcel.holds
        counts.pending -= parcel.holds

    async def ask(self, parcel: Parcel) -> tuple[int, str]:
        """Status and text of one request, 999 when there is no answer. Redirects are not followed."""
        if not is_local(parcel.url):
            return 999, "not an address of this machine"
        if self._session is None:
            limits = aiohttp.TCPConnector(limit=CONNECTIONS)
            self._session = aiohttp.ClientSession(
                connector=limits, timeout=aiohttp.ClientTimeout(total=SECONDS), trust_env=False
            )
        try:
            async with self._session.request(
                parcel.method,
                parcel.url,
                data=parcel.body or None,
                headers=dict(parcel.headers),
                allow_redirects=False,
            ) as answer:
                return answer.status, await answer.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return 999, type(error).__name__

    def counts(self) -> dict[str, dict[str, int]]:
        return {subject: asdict(counts) for subject, counts in self._counts.items()}

    def clear(self) -> None:
        """Counts from zero; what is under way still arrives, uncounted."""
        self._counts = {subject: Counts() for subject in self._subjects}

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
