"""Segments: by hand, by file and by rules, with their estimates, counts and analysis."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from chalicelib.domain import segment_rules, traces
from chalicelib.domain.comparisons import MAX_DAYS, TAKES, ComparisonKind, Values, takes
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.segment_rules import Form
from chalicelib.domain.traces import Interaction
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.language import Text
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Name,
    Page,
    Patch,
    Query,
    Strict,
    Tag,
    Versioned,
    WarningShown,
    refusal,
)
from chalicelib.entrypoints.http.schemas.consents import Purpose
from chalicelib.entrypoints.http.schemas.messages import ListedFunnel
from chalicelib.entrypoints.http.schemas.operation_growth import Name as Attribute
from chalicelib.entrypoints.http.schemas.user_entries import Bind

MOST_EVENTS = 1_000_000  # that a rule asks for, without days and properties

_WORDS = {
    Values.NONE: Text("must have no value", "不能有 value"),
    Values.SCALAR: Text("must be a text, a number, true or false", "须为字符串、数字或布尔值"),
    Values.SCALARS: Text(
        "must be a list of 1 to 100 texts or numbers", "须为 1 到 100 个字符串或数字的数组"
    ),
    Values.TEXT: Text("must be a text of 1 to 256 characters", "须为 1 到 256 个字符的字符串"),
    Values.NUMBER: Text("must be a number", "须为数字"),
    Values.DATE: Text("must be a date, as in 2027-01-15", "须为日期，例如 2027-01-15"),
    Values.DAYS: Text("must be 0 to 3650 days", "须为 0 到 3650 天"),
}
# The fields that a form may have besides the one that names it.
_MAY_HAVE = {
    Form.ATTRIBUTE: {"is", "value"},
    Form.CONSENT: {"contact"},
    Form.EVENT: {"at_least", "days", "where"},
    Form.MESSAGE: {"days", "template", "topic"},
    Form.TAG: {"scope"},
}

Scalar = bool | int | float | str
Value = Annotated[
    Any, BeforeValidator(lambda value: value, json_schema_input_type=Scalar | list[Scalar] | None)
]
Type = Annotated[ChannelType, Field(strict=False)]
Compared = Annotated[ComparisonKind, Field(strict=False)]


def _checked(comparison: ComparisonKind, value: Any) -> None:
    if not takes(comparison, value):
        words = _WORDS[TAKES[comparison]]
        raise refusal(
            PARAMETER,
            f"value: for `{comparison}` it {words.english}",
            f"value：`{comparison}` 的值{words.chinese}",
        )


class PropertyRule(Strict):
    property: Attribute
    is_: Compared = Field(alias="is")
    value: Value = None

    @model_validator(mode="after")
    def _fits(self) -> PropertyRule:
        _checked(self.is_, self.value)
        return self


class SegmentRule(Strict):
    """A condition on users, or several of them that are joined by `all`, `any` or `not`."""

    all: Annotated[list[SegmentRule], Field(min_length=1, max_length=50)] | None = None
    any: Annotated[list[SegmentRule], Field(min_length=1, max_length=50)] | None = None
    not_: SegmentRule | None = Field(default=None, alias="not")
    tag: Tag | None = None
    scope: Bind | None = None
    attribute: Attribute | None = None
    is_: Compared | None = Field(default=None, alias="is")
    value: Value = None
    event: Attribute | None = None
    at_least: Annotated[int, Field(ge=1, le=MOST_EVENTS)] | None = None
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] | None = None
    where: Annotated[list[PropertyRule], Field(min_length=1, max_length=5)] | None = None
    contact: Type | None = None
    consent: Purpose | None = None
    message: Annotated[Interaction, Field(strict=False)] | None = None
    template: Annotated[int, Field(ge=1)] | None = None
    topic: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> SegmentRule:
        fields = self.stored()
        if not any(form.value in fields for form in Form):
            raise refusal(
                PARAMETER,
                "must have one of " + ", ".join(Form),
                "须有以下字段之一：" + ", ".join(Form),
            )
        form = segment_rules.form_of(fields)
        surplus = sorted(fields.keys() - {form.value} - _MAY_HAVE.get(form, set()))
        if surplus:
            name = surplus[0]
            raise refusal(
                PARAMETER,
                f"`{name}` must not stand beside `{form}`",
                f"`{name}` 不能与 `{form}` 同时使用",
            )
        self._check(form)
        return self

    def _check(self, form: Form) -> None:
        if form is Form.ATTRIBUTE:
            if self.is_ is None:
                raise refusal(PARAMETER, "`is` is required", "缺少 `is`")
            _checked(self.is_, self.value)
        if form is Form.EVENT and segment_rules.needs_log(self.stored()):
            _check_most("at_least", self.at_least, traces.MAX_COUNT)
            _check_most("days", self.days, traces.KEPT_DAYS)
        if form is Form.MESSAGE:
            if self.days is None:
                raise refusal(PARAMETER, "`days` is required", "缺少 `days`")
            _check_most("days", self.days, traces.KEPT_DAYS)
            if self.template and self.topic:
                raise refusal(
                    PARAMETER,
                    "must have either `template` or `topic`",
                    "`template` 与 `topic` 只能有一个",
                )

    def stored(self) -> dict[str, Any]:
        """Return the rule as JSON, without what it does not have."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _check_most(name: str, value: int | None, most: int) -> None:
    if value is not None and value > most:
        raise refusal(PARAMETER, f"`{name}` must be at most {most}", f"`{name}` 不能大于 {most}")


def _bounded(value: Any) -> Any:
    """Refuse what is too long before it is read. A body is not too deep (payload.py)."""
    if len(json.dumps(value, ensure_ascii=False)) > segment_rules.MAX_SIZE:
        most = segment_rules.MAX_SIZE
        raise refusal(PARAMETER, f"must have at most {most} characters", f"最多 {most} 个字符")
    return value


def _consistent(rule: SegmentRule) -> SegmentRule:
    """Refuse what is too much as a whole, and conditions that never hold together."""
    stored = rule.stored()
    if segment_rules.levels(stored) > segment_rules.MAX_DEPTH:
        most = segment_rules.MAX_DEPTH
        raise refusal(PARAMETER, f"must have at most {most} levels", f"最多 {most} 层")
    if len(list(segment_rules.conditions(stored))) > segment_rules.MAX_CONDITIONS:
        most = segment_rules.MAX_CONDITIONS
        raise refusal(PARAMETER, f"must have at most {most} conditions", f"最多 {most} 个条件")
    read = (*segment_rules.purposes(stored), *segment_rules.logged_events(stored))
    if len(read) > segment_rules.MAX_LOGGED:
        most = segment_rules.MAX_LOGGED
        raise refusal(
            PARAMETER,
            f"must ask for at most {most} purposes, and events by days or properties",
            f"最多 {most} 个同意用途和按天数或属性统计的事件",
        )
    for one, other in segment_rules.contradictions(stored):
        raise refusal(
            PARAMETER, f"{one} and {other} never hold together", f"{one} 与 {other} 不可能同时成立"
        )
    return rule


AnyRule = Annotated[SegmentRule, BeforeValidator(_bounded), AfterValidator(_consistent)]


class SegmentBody(Strict):
    """A segment. `rule` belongs to the kind `rules`, and to no other."""

    channel_key: str
    name: Name
    kind: Literal["manual", "file", "rules"] = "manual"
    rule: AnyRule | None = None
    daily: bool = False

    @model_validator(mode="after")
    def _has_rule(self) -> SegmentBody:
        if (self.kind == "rules") != (self.rule is not None):
            raise refusal(
                PARAMETER,
                "rule: a segment of the kind `rules` needs it, and no other has it",
                "rule：仅 kind 为 `rules` 的人群需要",
            )
        return self


class SegmentChange(Patch):
    name: Name | None = None
    rule: AnyRule | None = None
    daily: bool | None = None


class SegmentEstimateBody(Strict):
    channel_key: str
    rule: AnyRule


class Segment(Versioned):
    """A segment. `rule` is null unless its kind is `rules`."""

    id: int
    channel_key: str
    name: str
    kind: str
    rule: dict[str, Any] | None = None
    daily: bool


class Segments(Page):
    segments: list[Segment]


class SegmentEstimate(Answer):
    """The number of members as a sample of users shows it, and the error of 95 of 100 samples."""

    estimate: int
    error: int
    sampled: int
    users: int
    warnings: list[WarningShown]


class AnalysisQuery(Query):
    days: Annotated[int, Field(ge=1, le=730)] = 90


class SegmentSize(Answer):
    """The size of a day, as it was counted last on that day. `day`: its begin, in ms."""

    day: int
    users: int
    contacts: dict[ChannelType, int]


class SegmentMessage(Answer):
    """A message to the segment. `users` is null until its figures are counted."""

    msgid: str
    name: str
    accepted: int
    status: Literal["accepted", "sending", "finished", "withdrawn"]
    users: ListedFunnel | None


class SegmentAnalysis(Answer):
    """The sizes of a segment over time, and the figures of its last 100 messages."""

    sizes: list[SegmentSize]
    messages: list[SegmentMessage]
    users: ListedFunnel


class SegmentCount(Answer):
    """The exact number of members, as counted last, and how far a count under way is."""

    state: Literal["none", "running", "done"]
    progress: int
    counted: int | None
    users: int
    contacts: dict[ChannelType, int]
    is_outdated: bool
