"""The requests that the sandbox sends: receipts to webhooks, and links that people open.

The outbox retries and counts its requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp

from infra.sandbox.accounts import is_local

TRIES = 6  # waits double between them: 1, 2, 4, 8, 16 s, but minutes to hours at vendors
SECONDS = 30.0
CONNECTIONS = 8


@dataclass(frozen=True)
class Parcel:
    """A request to send. It counts for `subject`, and carries `holds` receipts."""

    subject: str
    url: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    holds: int = 1
    expected: Mapping[str, Any] = field(default_factory=dict)  # members of the answer's JSON object

    def arrived(self, status: int, text: str) -> bool:
        """Return True if the answer confirms the request.

        A webhook answers 200, with its vendor's confirmation. A page answers any status below 400.
        """
        if self.expected:
            return status == 200 and self._confirms(text)
        return status == 200 if self.method == "POST" else status < 400

    def _confirms(self, text: str) -> bool:
        try:
            answer = json.loads(text)
        except ValueError:
            return False
        return isinstance(answer, dict) and all(
            answer.get(name) == value for name, value in self.expected.items()
        )


@dataclass
class Counts:
    pending: int = 0
    posted: int = 0
    failed: int = 0
    posts: int = 0  # requests that arrived
    retries: int = 0


class Outbox:
    """Sends parcels, and counts them by `subjects`: the providers with receipts, and `links`."""

    def __init__(self, retry_first: float, subjects: Sequence[str]) -> None:
        self._retry_first, self._subjects = retry_first, subjects
        self.clear()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def send(self, parcel: Parcel, delay: float = 0.0) -> asyncio.Task[None]:
        """Start sending. The task ends when the parcel has arrived or was given up."""
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
        """Return status and text of one request, 999 if it fails. Redirects are not followed."""
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
        """Count from zero. Parcels under way still arrive, uncounted."""
        self._counts = {subject: Counts() for subject in self._subjects}

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
