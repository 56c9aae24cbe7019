"""Reviews: their settings, what waits for approval, and decisions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.rules import reviews
from chalicelib.domain.rules.reviews import Kind, Origin
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    LongListQuery,
    Page,
    Strict,
    Versioned,
    refusal,
)
from chalicelib.entrypoints.http.schemas.schedules import Schedule, Scheduled, ScheduledMessage
from chalicelib.entrypoints.http.schemas.templates import TemplateChange, TemplateVersion


def _distinct(level: list[str]) -> list[str]:
    if len(set(level)) < len(level):
        raise refusal(PARAMETER, "names a reviewer twice", "审核人重复")
    return level


Reviewer = Annotated[str, Field(min_length=1, max_length=64)]
Level = Annotated[
    Annotated[list[Reviewer], Field(min_length=1, max_length=reviews.MAX_REVIEWERS)],
    AfterValidator(_distinct),
]
Levels = Annotated[list[Level], Field(min_length=1, max_length=reviews.MAX_LEVELS)]


class ReviewCase(Strict):
    """Messages that need a review. An empty list means all."""

    origin: Annotated[Origin, Field(strict=False)]
    kinds: list[Annotated[Kind, Field(strict=False)]] = []
    audiences: list[Annotated[AudienceKind, Field(strict=False)]] = []


class MessageReviews(Strict):
    levels: Levels
    cases: Annotated[list[ReviewCase], Field(min_length=1, max_length=reviews.MAX_CASES)]


class TemplateReviews(Strict):
    levels: Levels


class ReviewSettings(Strict):
    """The reviews of an access channel. null: none."""

    messages: MessageReviews | None
    templates: TemplateReviews | None

    def settings(self) -> reviews.Settings:
        messages, templates = self.messages, self.templates
        return reviews.Settings(
            tuple(map(tuple, messages.levels)) if messages else (),
            tuple(
                reviews.Case(case.origin, tuple(case.kinds), tuple(case.audiences))
                for case in (messages.cases if messages else ())
            ),
            tuple(map(tuple, templates.levels)) if templates else (),
        )


class ReviewSettingsShown(Versioned):
    """The reviews of an access channel. null: none."""

    channel_key: str
    messages: MessageReviews | None
    templates: TemplateReviews | None


class ReviewsQuery(LongListQuery):
    list: Literal["to_review", "asked", "decided"] = "to_review"


class ReviewDecision(Strict):
    approved: bool
    comment: Annotated[str, Field(max_length=500)] = ""


class ReviewChange(Strict):
    """A changed message or template. Its review begins anew."""

    broadcast: bool = False
    message: dict[str, Any] | None = None
    schedule: Schedule | None = None
    template: TemplateChange | None = None


class DecisionShown(Answer):
    level: int
    access_key: str
    name: str
    approved: bool
    comment: str
    time: int


class ReviewProgress(Answer):
    """The progress of a review. `level` counts from 1, and is null when nobody must decide."""

    level: int | None
    levels: list[list[str]]
    askers: list[str]
    decisions: list[DecisionShown]


class ReviewedMessage(ScheduledMessage):
    review: ReviewProgress


class Reviewed(Scheduled):
    """A message or a template under review. The other one is null."""

    template: TemplateVersion | None
    review: ReviewProgress


class Reviews(Page):
    reviews: list[ReviewedMessage]
