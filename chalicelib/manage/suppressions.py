"""Contacts that no access channel sends to, as operators change and export them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.imports import MAX_ROWS, FileFormat
from chalicelib.flow import suppressions
from chalicelib.manage.imports import sheets
from chalicelib.manage.imports.report import MEDIA
from chalicelib.manage.imports.run import FORM_SECONDS
from chalicelib.ports import World

COLUMNS = {ChannelType.SMS: "phone", ChannelType.EMAIL: "email"}


class Exported(NamedTuple):
    """A file of suppressed contacts. `after`: the position to go on from, None: it has the rest."""

    url: str
    contacts: int
    after: str | None


def change(world: World, kind: ChannelType, contacts: Sequence[str], *, lift: bool = False) -> None:
    """Suppress contacts, or lift their suppression."""
    for contact in contacts:
        suppressions.suppress(world, kind, contact, lift=lift)


def export(world: World, after: str, random: bytes) -> Exported:
    """Write the next suppressed contacts to a file that can be imported."""
    listed = world.audiences.suppressed(after, MAX_ROWS + 1)
    some = listed[:MAX_ROWS]
    lines = [[one.contact if kind is one.channel_type else "" for kind in COLUMNS] for one in some]
    content = sheets.write(list(COLUMNS.values()), lines)
    name = keys.message_id(world.clock.now(), random)
    key = f"imports/exports/{name}.csv"
    world.files.write(key, content, MEDIA[FileFormat.CSV])
    url = world.files.address(key, f"suppressions-{name}.csv", FORM_SECONDS)
    return Exported(url, len(some), some[-1].position if len(listed) > MAX_ROWS else None)
