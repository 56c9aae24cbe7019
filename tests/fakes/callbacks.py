"""Batches of callbacks in memory, and receivers that answer as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.aws.callbacks import Callbacks
from chalicelib.domain.callbacks import Batch, News, Record
from chalicelib.ports import Reply
from chalicelib.web import callback_format
from tests.fakes.clock import FakeClock
from tests.fakes.copies import copy_of
from tests.fakes.secrets import FakeVault
from tests.fakes.steps import Steps


class FakeCallbacks:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[tuple[str, str], Batch] = {}

    def news(self, image: Mapping[str, Any], time: int) -> News | None:
        """Read an image as the real one does, which needs no request."""
        return Callbacks(FakeVault()).news(image, time)

    def put(self, batch: Batch) -> None:
        with self.steps.around("callbacks.put", write=True):
            self.stored[batch.channel_key, batch.id] = copy_of(batch)

    def get(self, channel_key: str, id: str) -> Batch | None:
        with self.steps.around("callbacks.get", write=False):
            return copy_of(self.stored.get((channel_key, id)))

    def list(
        self, channel_key: str, since: str, until: str, limit: int, *, newest_first: bool = False
    ) -> Sequence[Batch]:
        with self.steps.around("callbacks.list", write=False):
            batches = [
                replace(batch, body=b"")
                for (key, id), batch in sorted(self.stored.items(), reverse=newest_first)
                if key == channel_key and since < id < until
            ]
            return batches[:limit] if limit else batches

    def batches(self) -> list[Batch]:
        """Return all batches without a step."""
        return [batch for _, batch in sorted(self.stored.items())]


@dataclass
class Posted:
    """A request that a receiver got."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    time: int

    @property
    def records(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = json.loads(self.body)
        return records


@dataclass
class FakeReceivers:
    """Receivers that answer 200. `answer` may return or raise something else for an address."""

    steps: Steps
    clock: FakeClock
    posts: list[Posted] = field(default_factory=list)
    answer: Callable[[str], Reply] = lambda url: Reply(200)
    echo: Callable[[str], Reply] = lambda text: Reply(200, "", text.encode())

    def refusal(self, url: str) -> str | None:
        return None if url.startswith("https://") else "must begin with https://"

    def body(self, records: Sequence[Record]) -> bytes:
        return callback_format.body(records)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        with self.steps.around("receivers.post", write=True):
            reply = self.answer(url)
            if reply.status:
                self.posts.append(Posted(url, headers, body, self.clock.now()))
            return reply

    def get(self, url: str, headers: Mapping[str, str], params: Mapping[str, str]) -> Reply:
        with self.steps.around("receivers.get", write=False):
            self.posts.append(Posted(url, headers, b"[]", self.clock.now()))
            return self.echo(params["echostr"])

    def records(self) -> list[dict[str, Any]]:
        """Return all records of all requests that were answered."""
        return [record for posted in self.posts for record in posted.records]
