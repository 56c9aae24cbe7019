"""Files and counters of requests, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from chalicelib.domain.errors import ProviderError, Rejected
from tests.fakes.steps import Steps


class FakeFiles:
    """`elsewhere` has what other servers answer: a file, or the error."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[str, bytes] = {}
        self.elsewhere: dict[str, bytes | ProviderError] = {}
        self.forms: dict[str, tuple[int, int]] = {}

    def put(self, key: str, body: bytes) -> None:
        with self.steps.around("files.put", write=True):
            self.stored[key] = body

    def get(self, key: str) -> bytes:
        with self.steps.around("files.get", write=False):
            if key not in self.stored:
                raise LookupError("no such file")
            return self.stored[key]

    def form(self, key: str, most: int, seconds: int) -> tuple[str, Mapping[str, str]]:
        self.forms[key] = (most, seconds)
        return "https://files.example.com/", {"key": key, "policy": "signed"}

    def fetch(self, url: str, most: int) -> bytes:
        with self.steps.around("files.fetch", write=False):
            found = self.elsewhere.get(url, Rejected("file_http_404"))
            if isinstance(found, ProviderError):
                raise found
            return found


class FakeRates:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.used: Counter[tuple[str, int]] = Counter()

    def take(self, name: str, second: int, wanted: int, limit: int) -> tuple[int, int]:
        with self.steps.around("rates.take", write=True):
            granted = min(wanted, limit - self.used[name, second])
            self.used[name, second] += granted
            return granted, limit - self.used[name, second]
