"""Files of people, and imports of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.domain.imports import BadRow, Import


class Imports(Protocol):
    """How far imports of files have come."""

    def create(self, one: Import) -> None:
        """A new one; its version becomes 1."""

    def get(self, id: str) -> Import | None: ...
    def advance(self, one: Import, bad: Sequence[BadRow] = ()) -> bool:
        """Replace the version before with this one and keep its bad rows, both or nothing; False when another version stands there."""

    def bad_rows(self, id: str) -> Sequence[BadRow]:
        """All that were kept, in the order of the file."""

    def newest(self, before: str, limit: int) -> Sequence[Import]:
        """Newest first, from before an id on (empty: the newest)."""


@dataclass(frozen=True)
class Form:
    """A presigned upload: the fields go before the file in a multipart form."""

    url: str
    fields: Mapping[str, str] = field(repr=False)


class Files(Protocol):
    """Files of people, uploaded and fetched by addresses that are signed for a while. A key is a path; what nobody deletes expires."""

    def form(self, key: str, least: int, most: int, seconds: int) -> Form:
        """To upload so many bytes."""

    def etag(self, key: str) -> str | None:
        """What tells this content from any other; None when there is no file."""

    def read(self, key: str, etag: str = "") -> bytes | None:
        """None when the file is not there, or has another mark than the one that is asked for."""

    def write(self, key: str, content: bytes, kind: str) -> None: ...
    def address(self, key: str, name: str, seconds: int) -> str:
        """To download a file under a name."""

    def delete(self, key: str) -> None: ...
    def fetch(self, url: str, most: int) -> bytes:
        """A file that lies elsewhere, through the egress policy; raises a ProviderError."""
