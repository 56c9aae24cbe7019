"""Files that people upload or download, and imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from chalicelib.domain.imports import BadRow, Import
from chalicelib.domain.values import frozen


class Imports(Protocol):
    """The progress of imports."""

    def create(self, new: Import) -> None:
        """Store a new import as version 1."""

    def get(self, id: str) -> Import | None: ...
    def advance(self, updated: Import, bad: Sequence[BadRow] = ()) -> bool:
        """Replace the previous version and add bad rows: both or nothing.

        Return False if the stored version is another one.
        """

    def bad_rows(self, id: str) -> Sequence[BadRow]:
        """Return all bad rows, in the order of the file."""

    def newest(self, before: str, limit: int) -> Sequence[Import]:
        """Return imports before an id (empty: all), newest first."""


@frozen
class Form:
    """A presigned upload: the fields go before the file in a multipart form."""

    url: str
    fields: Mapping[str, str] = field(repr=False)


class Files(Protocol):
    """Files of people, uploaded and downloaded by addresses that are signed for a while.

    A key is a path. A file that is not deleted expires.
    """

    def form(self, key: str, least: int, most: int, seconds: int) -> Form:
        """Return a form to upload a file of `least` to `most` bytes."""

    def etag(self, key: str) -> str | None:
        """Return a tag that identifies the content, or None if there is no file."""

    def read(self, key: str, etag: str = "") -> bytes | None:
        """Return the content, or None if there is no file or it has another `etag`."""

    def write(self, key: str, content: bytes, kind: str) -> None: ...
    def address(self, key: str, name: str, seconds: int) -> str:
        """Return an address from which the file downloads under a name."""

    def delete(self, key: str) -> None: ...
    def fetch(self, url: str, most: int, seconds: float) -> bytes:
        """Fetch a file from another server, through the egress policy, within `seconds`.

        Raise Rejected or Misconfigured if it can never be fetched, and Unavailable if it may be
        later.
        """
