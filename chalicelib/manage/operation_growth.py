"""What Operation Growth's interface asks for: contacts under the labels of delivery channels, attributes, events.

Users are its CUIDs as texts; delivery channels are known by their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.users import Event, UserChange
from chalicelib.manage import users as contacts
from chalicelib.ports import World


class Fault(Enum):
    """Why a contact was not saved; the text in Chinese, as documented where it is, and in English."""

    CUID = ("CUID不存在", "this CUID does not exist")
    CHANNEL = ("通道ID不存在", "this channel id does not exist")
    LABEL = ("联系标签不存在", "this contact label does not exist")
    REGISTRATION_ID = ("jg_registration_id不合法", "is not a registration id")
    PHONE = ("短信通道值不合法", "must be a mobile number of 11 digits")
    CONTACT = ("通道值不合法", "is not a contact of this channel")
    SIZE = ("用户信息过大", "has too much stored")
    BUSY = ("用户信息正在被修改", "was changed by others at the same time, please try again")


class Failure(NamedTuple):
    what: str
    fault: Fault


@dataclass(frozen=True)
class LabelledContact:
    """One entry of `channelValues`. An empty contact takes away what is there."""

    cuid: int
    channel: int
    label: str
    contact: str = field(repr=False)


_SHAPES: Mapping[ChannelType, tuple[re.Pattern[str], Fault]] = {
    ChannelType.APP: (re.compile(r"[0-9A-Za-z_-]{10,64}", re.ASCII), Fault.REGISTRATION_ID),
    ChannelType.SMS: (re.compile(r"1[0-9]{10}", re.ASCII), Fault.PHONE),
    ChannelType.EMAIL: (
        re.compile(
            r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,189}"
        ),
        Fault.CONTACT,
    ),
}
_OTHER = (re.compile(r"[\x21-\x7e]{1,256}"), Fault.CONTACT)


def set_contacts(
    world: World, caller: AccessChannel, wanted: Sequence[LabelledContact]
) -> Sequence[Failure]:
    """Save each contact that can be saved; what could not, in the order given. Of one label the last contact stands."""
    numbers = {c.number: c for c in world.settings.channels() if c.code in caller.channels}
    failures: list[Failure] = []
    users: dict[int, dict[ChannelType, dict[str, dict[str, str]]]] = {}
    for one in wanted:
        channel = numbers.get(one.channel)
        failure = _failure(one, channel)
        if failure is not None:
            failures.append(failure)
        elif channel is not None and (label := channel.label(one.label)) is not None:
            users.setdefault(one.cuid, {}).setdefault(channel.type, {}).setdefault(
                channel.code, {}
            )[label] = one.contact
    changes = [UserChange(str(cuid), labels=labels) for cuid, labels in users.items()]
    return [*failures, *_failures(contacts.change(world, changes, create=False) if changes else {})]


def _failure(one: LabelledContact, channel: Channel | None) -> Failure | None:
    if channel is None:
        return Failure(str(one.channel), Fault.CHANNEL)
    if channel.label(one.label) is None:
        return Failure(one.label, Fault.LABEL)
    shape, fault = _SHAPES.get(channel.type, _OTHER)
    return Failure(one.contact, fault) if one.contact and not shape.fullmatch(one.contact) else None


def _fault_of(why: str) -> Fault:
    return {contacts.UNKNOWN: Fault.CUID, contacts.BUSY: Fault.BUSY}.get(why, Fault.SIZE)


def set_attributes(world: World, cuid: int, attributes: Mapping[str, Any]) -> Sequence[Failure]:
    """A user who is not known yet is made."""
    return _failures(contacts.change(world, [UserChange(str(cuid), attributes=attributes)]))


def report_events(world: World, happened: Sequence[tuple[int, Event]]) -> Sequence[Failure]:
    """What happened, by CUID: counted once where an event has an id, however often it is reported."""
    return _failures(
        contacts.change(world, [UserChange(str(cuid), events=(event,)) for cuid, event in happened])
    )


def _failures(refused: Mapping[str, str]) -> Sequence[Failure]:
    return [Failure(userid, _fault_of(why)) for userid, why in refused.items()]
