"""Imports, files and counters of requests in memory.

`FakeFiles.upload` uploads the file of a form, as a browser would.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.domain.errors import ProviderError, Rejected
from chalicelib.domain.imports import BadRow, Import
from chalicelib.ports import Form, Taken
from tests.fakes.steps import Steps


class FakeImports:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[str, Import] = {}
        self._bad: dict[str, dict[int, tuple[BadRow, ...]]] = {}

    def create(self, new: Import) -> None:
        with self.steps.around("imports.create", write=True):
            self.stored[new.id] = replace(new, version=1)

    def get(self, id: str) -> Import | None:
        with self.steps.around("imports.get", write=False):
            return self.stored.get(id)

    def advance(self, updated: Import, bad: Sequence[BadRow] = ()) -> bool:
        with self.steps.around("imports.advance", write=True):
            if self.stored[updated.id].version != updated.version - 1:
                return False
            self.stored[updated.id] = updated
            if bad:
                self._bad.setdefault(updated.id, {})[updated.rows] = tuple(bad)
            return True

    def bad_rows(self, id: str) -> Sequence[BadRow]:
        with self.steps.around("imports.bad_rows", write=False):
            batches = [batch for _, batch in sorted(self._bad.get(id, {}).items())]
            return [row for batch in batches for row in batch]

    def newest(self, before: str, limit: int) -> Sequence[Import]:
        imports = sorted(self.stored.values(), key=lambda stored: stored.id, reverse=True)
        return [stored for stored in imports if not before or stored.id < before][:limit]


class FakeFiles:
    """Files in memory. `elsewhere`: the answers of other servers, a file or an error.

    `on_fetch` sees how many seconds each fetch may take.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.stored: dict[str, bytes] = {}
        self.elsewhere: dict[str, bytes | ProviderError] = {}
        self.on_fetch: Callable[[float], None] = lambda seconds: None

    def form(self, key: str, least: int, most: int, seconds: int) -> Form:
        return Form(
            "https://files.example.com/", {"key": key, "least": str(least), "most": str(most)}
        )

    def upload(self, form: Form, content: bytes) -> bool:
        """Upload a file. Return whether the form accepted it."""
        if not int(form.fields["least"]) <= len(content) <= int(form.fields["most"]):
            return False
        self.stored[form.fields["key"]] = content
        return True

    def etag(self, key: str) -> str | None:
        content = self.stored.get(key)
        return None if content is None else hashlib.sha256(content).hexdigest()

    def read(self, key: str, etag: str = "") -> bytes | None:
        with self.steps.around("files.read", write=False):
            return self.stored.get(key) if etag in ("", self.etag(key)) else None

    def write(self, key: str, content: bytes, kind: str) -> None:
        with self.steps.around("files.write", write=True):
            self.stored[key] = content

    def address(self, key: str, name: str, seconds: int) -> str:
        return f"https://files.example.com/{key}?name={name}&seconds={seconds}"

    def delete(self, key: str) -> None:
        with self.steps.around("files.delete", write=True):
            self.stored.pop(key, None)

    def fetch(self, url: str, most: int, seconds: float) -> bytes:
        with self.steps.around("files.fetch", write=False):
            self.on_fetch(seconds)
            answer = self.elsewhere.get(url, Rejected("file_http_404"))
            if isinstance(answer, ProviderError):
                raise answer
            return answer


class FakeCounters:
    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.counted: Counter[str] = Counter()

    def take(self, name: str, number: int, most: int, expires: int) -> Taken:
        with self.steps.around("counters.take", write=True):
            granted = self.counted[name] + number <= most
            self.counted[name] += number if granted else 0
            return Taken(granted, max(0, most - self.counted[name]))

    def give_back(self, name: str, number: int) -> None:
        with self.steps.around("counters.give_back", write=True):
            if self.counted[name] >= number:
                self.counted[name] -= number

    def used(self, name: str) -> int:
        with self.steps.around("counters.used", write=False):
            return self.counted[name]
