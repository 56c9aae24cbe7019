"""A message: one accepted send request, frozen as it was when it was accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.strategies import Strategy
from chalicelib.domain.templates import Content

CHUNK_TARGETS = 500
INLINE_TARGETS = 100  # a send to so many explicit targets is planned in the request itself


@dataclass(frozen=True)
class Summary:
    """What a list shows of a message; the time is in its id."""

    msgid: str
    audience: AudienceKind
    targets: int | None  # None where the audience is walked
    priority: Priority
    template: tuple[int, int]
    rule_id: int
    channels: tuple[ChannelType, ...]
    sendno: str


@dataclass(frozen=True)
class Message:
    """What every step needs to know. Later changes of settings do not touch it."""

    msgid: str
    channel_key: str
    accepted: int  # ms
    priority: Priority
    strategy: Strategy
    channels: Mapping[
        str, ChannelType
    ]  # delivery channels by code, as authorised and enabled when accepted
    call_sizes: Mapping[
        str, int
    ]  # deliveries per call, by code: frozen, since a call is known by its range
    contents: Mapping[str, Content] = field(
        repr=False
    )  # by code, rendered; only link variables still stand in them
    links: Mapping[str, str] = field(repr=False)  # link variable -> address
    userids: tuple[str, ...] = field(
        repr=False
    )  # the targets that are named, in order; none where the audience is walked
    expires: int  # epoch seconds: when its history goes
    template: tuple[int, int] = (0, 0)  # number and version
    rule_id: int = 0
    app_para: Mapping[str, Any] = field(default_factory=dict)
    sendno: str = ""
    owner: str = ""
    black_id: int | None = None
    white_id: int | None = None
    callback: Mapping[str, Any] = field(default_factory=dict, repr=False)
    audience: Audience = field(default_factory=Audience)
    labels: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # per code, the contact labels to look in, in order
    restricted: bool = False  # only to users that have something of this access channel's own
    workers: Mapping[str, str] = field(
        default_factory=dict
    )  # by code, of channels that a worker serves: whose queues their jobs go to

    @property
    def summary(self) -> Summary:
        targets = None if self.audience.is_scanned else len(self.userids)
        return Summary(
            self.msgid,
            self.audience.kind,
            targets,
            self.priority,
            self.template,
            self.rule_id,
            self.strategy.channels,
            self.sendno,
        )

    @property
    def inline(self) -> bool:
        """Small enough to be planned in the request, and counted when somebody asks."""
        return not self.audience.is_scanned and len(self.userids) <= INLINE_TARGETS

    @property
    def first_chunks(self) -> range:
        """The first chunk of each walker; the others follow at distances of as many chunks as there are walkers."""
        return range(self.audience.walkers)

    def walker(self, chunk: int) -> int:
        return chunk % self.audience.walkers

    def chunk_after(self, chunk: int) -> int:
        return chunk + self.audience.walkers

    def codes_of(self, step: int) -> tuple[str, ...]:
        """The delivery channels of a step, in a fixed order."""
        kinds = self.strategy.steps[step].channels
        return tuple(sorted(code for code, kind in self.channels.items() if kind in kinds))
