"""Schedules: when a message is sent, and what became of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from chalicelib.domain import crons, zones
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.rules import schedules
from chalicelib.domain.rules.reviews import Kind, Origin
from chalicelib.domain.rules.schedules import Outcome, Timing
from chalicelib.domain.stored_requests import State
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    ListQuery,
    LongListQuery,
    Name,
    Page,
    Sparse,
    Strict,
    Versioned,
    refusal,
)
from chalicelib.entrypoints.http.sentences import text_of

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
FIRST_YEAR, LAST_YEAR = 1970, 9998
_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def _time(text: str) -> str:
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        datetime.fromisoformat(text)
    except ValueError:
        raise refusal(
            PARAMETER,
            "must be a time such as 2026-12-24T18:00, which may have an offset",
            "须为时间，例如 2026-12-24T18:00，可带时差",
        ) from None
    return text


def _at(text: str) -> str:
    """Check a time of sending. Beyond these years, some zones and rules could not count on."""
    if not FIRST_YEAR <= datetime.fromisoformat(_time(text)).year <= LAST_YEAR:
        raise refusal(
            PARAMETER,
            f"must be a time in the years {FIRST_YEAR} to {LAST_YEAR}",
            f"须为 {FIRST_YEAR} 年至 {LAST_YEAR} 年之间的时间",
        )
    return text


def _local(text: str) -> str:
    if datetime.fromisoformat(_time(text)).tzinfo is not None:
        raise refusal(PARAMETER, "must be a local time, without offset", "须为不带时差的当地时间")
    return text


def _hour(text: str) -> str:
    if not _HOUR.fullmatch(text):
        raise refusal(PARAMETER, "must be a time such as 09:00", "须为时间，例如 09:00")
    return text


def _cron(text: str) -> str:
    try:
        crons.parse(text)
    except Invalid as error:
        raise refusal(PARAMETER, *text_of(error.reason)) from None
    return text


def _zone(name: str) -> str:
    if zones.zone(name) is None:
        raise refusal(
            PARAMETER,
            "is not the name of a time zone, such as Asia/Shanghai",
            "不是时区名称，例如 Asia/Shanghai",
        )
    return name


Attribute = Annotated[str, Field(min_length=1, max_length=64)]


class ScheduleDate(Sparse):
    """Only users whose attribute holds a date, some days away from the day of sending."""

    attribute: Attribute
    days: Annotated[int, Field(ge=-schedules.MAX_DAYS, le=schedules.MAX_DAYS)] = 0
    time: Annotated[str, AfterValidator(_hour)]
    yearly: bool = False


class Schedule(Sparse):
    """The times at which a message is sent: `at` once, by `cron`, or by a `date` of each user."""

    at: Annotated[str, AfterValidator(_at)] | None = None
    cron: Annotated[str, Field(max_length=crons.MAX_TEXT), AfterValidator(_cron)] | None = None
    date: ScheduleDate | None = None
    until: Annotated[str, AfterValidator(_local)] | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] | None = None
    zone_attribute: Attribute | None = None
    if_late: Annotated[int, Field(ge=0, le=schedules.MAX_IF_LATE)] = 60

    @model_validator(mode="after")
    def _one_kind(self) -> Schedule:
        kinds = [name for name in ("at", "cron", "date") if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise refusal(PARAMETER, "needs one of at, cron and date", "须有 at、cron、date 之一")
        if self.until is not None and self.at is not None:
            raise refusal(PARAMETER, "until needs cron or date", "until 只用于 cron 或 date")
        if self.time_zone is None and not self._has_offset:
            raise refusal(PARAMETER, "time_zone is required", "time_zone 缺失")
        if self.zone_attribute is not None and self._has_offset:
            raise refusal(
                PARAMETER,
                "at must be a local time where users have zones of their own",
                "使用用户时区时 at 须为当地时间",
            )
        return self

    @property
    def _has_offset(self) -> bool:
        return self.at is not None and datetime.fromisoformat(self.at).tzinfo is not None

    def timing(self) -> Timing:
        rule, cron = self.date, self.cron or ""
        zone, at = self._zone_and_at()
        if rule is not None:
            hour, minute = rule.time.split(":")
            cron = f"{int(minute)} {int(hour)} * * *"
        return Timing(
            zone=zone,
            at=at,
            cron=cron,
            until=self.until or "",
            date_rule=schedules.DateRule(rule.attribute, rule.days, rule.yearly) if rule else None,
            zone_attribute=self.zone_attribute or "",
            if_late=self.if_late,
        )

    def _zone_and_at(self) -> tuple[str, str]:
        """Return the zone, and `at` as its local time.

        A moment that clocks show as an earlier one, too, is kept in UTC.
        """
        name = self.time_zone or "UTC"
        at, place = datetime.fromisoformat(self.at) if self.at else None, zones.zone(name) or UTC
        if at is None or at.tzinfo is None:
            return name, at.isoformat() if at else ""
        moment = round(at.timestamp() * 1000)
        local = zones.shown(moment, place)
        if zones.moment(local, place) != moment:
            name, local = "UTC", zones.shown(moment, UTC)
        return name, local.isoformat()


class MessageBody(Strict):
    """A message that a member sends for an access channel: the body of a send."""

    channel_key: Annotated[str, Field(min_length=1)]
    broadcast: bool = False
    message: dict[str, Any]


class ScheduleBody(MessageBody):
    name: Name | None = None
    schedule: Schedule


class ScheduleChange(Strict):
    """The whole schedule anew. Its message is the body of a send."""

    name: Name | None = None
    broadcast: bool = False
    message: dict[str, Any]
    schedule: Schedule


class ScheduleCopy(Strict):
    """A copy with times of its own."""

    schedule: Schedule


class SchedulesQuery(ListQuery):
    channel_key: Annotated[str, Field(min_length=1)]
    since: Annotated[int, Field(ge=0, lt=10**13)] = 0
    until: Annotated[int | None, Field(ge=0, lt=10**13)] = None
    kind: Kind | None = None
    audience: AudienceKind | None = None
    channel: ChannelType | None = None


class ResultsQuery(LongListQuery):
    channel_key: Annotated[str, Field(min_length=1)]


class ScheduleDateShown(Answer):
    attribute: str
    days: int
    time: str
    yearly: bool


class ScheduleShown(Answer):
    at: str | None
    cron: str | None
    date: ScheduleDateShown | None
    until: str | None
    time_zone: str
    zone_attribute: str | None
    if_late: int


class ScheduleResult(Answer):
    """The result of an occurrence."""

    id: str
    at: int
    time: int
    outcome: Outcome
    msgid: str | None
    code: int
    reason: str
    number: int


class ScheduledMessage(Versioned):
    """A stored message. `next` is null when it has no further time."""

    id: str
    channel_key: str
    name: str
    state: State
    origin: Origin
    owner: str
    created: int
    next: int | None
    schedule: ScheduleShown | None
    kind: Kind
    audience: AudienceKind
    channels: list[ChannelType]
    template_id: int
    rule_id: int
    sendno: str
    last: ScheduleResult | None


class Scheduled(ScheduledMessage):
    """A stored message with its body, without registration ids."""

    broadcast: bool
    message: dict[str, Any] | None


class ScheduledBody(Answer):
    """The whole body of a stored message, to change it."""

    id: str
    broadcast: bool
    message: dict[str, Any]


class Schedules(Page):
    schedules: list[ScheduledMessage]


class ScheduleResults(Page):
    results: list[ScheduleResult]


class MessageState(Answer):
    """A message of a member: sent, or stored until its time or its approval comes."""

    msgid: str
    state: Literal["sent", "pending", "in_review"]
