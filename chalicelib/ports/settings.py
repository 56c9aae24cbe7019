"""Templates, the audit log, and the settings that the steps of a message read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, Channel
from chalicelib.domain.strategies import STRATEGIES, Strategy
from chalicelib.domain.templates import Template
from chalicelib.domain.values import frozen
from chalicelib.ports.records import RecordStore


class Templates(Protocol):
    """Templates in versions that never change. Reads may be as old as SETTINGS_CACHE."""

    def get(self, number: int) -> Template | None:
        """Return the newest version. An archived template has none."""

    def version(self, number: int, version: int) -> Template | None:
        """Return a version as it was put, also of an archived template."""

    def versions(self, number: int, *, after: int = 0, limit: int = 0) -> Sequence[Template]:
        """Return the versions from the first on, without the end of an archived template."""

    def list(self, channel_key: str, *, after: int = 0, limit: int = 0) -> Sequence[Template]:
        """Return the newest version of each template that is not archived."""

    def put(self, template: Template) -> None:
        """Store a new version. Raise Conflict for a version that is taken.

        An archived version ends the template: no list shows it any more.
        """

    def next_number(self) -> int:
        """Return a fresh id: small, rising, never given twice."""


class Audit(Protocol):
    """The audit log, by months."""

    def write(self, entry: AuditEntry) -> None:
        """Append an entry. A repeat changes nothing."""

    def list(self, month: str, before: str = "", limit: int = 0) -> Sequence[AuditEntry]:
        """Return the newest entries first, from the one before an id on."""


@frozen
class Settings:
    """Settings as the steps of a message read them, all cached but the list of access channels."""

    records: RecordStore
    templates: Templates

    def access_channel(self, key: str) -> AccessChannel | None:
        return self.records.of(ACCESS_CHANNELS).get(key)

    def access_channels(self) -> Sequence[AccessChannel]:
        return self.records.of(ACCESS_CHANNELS).list()

    def channel(self, code: str) -> Channel | None:
        return self.records.of(DELIVERY_CHANNELS).get(code)

    def channels(self) -> Sequence[Channel]:
        return self.records.of(DELIVERY_CHANNELS).all()

    def template(self, number: int) -> Template | None:
        return self.templates.get(number)

    def template_version(self, number: int, version: int) -> Template | None:
        return self.templates.version(number, version)

    def strategy(self, number: int) -> tuple[str, Strategy] | None:
        """Return the key of the access channel that has the strategy, and the strategy."""
        entry = self.records.of(STRATEGIES).get(number)
        return (entry.channel_key, entry.strategy) if entry else None
