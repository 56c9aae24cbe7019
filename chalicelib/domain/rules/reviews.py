"""Reviews: who must approve a message or a template before it is used, level by level."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, NamedTuple

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.values import frozen

RULE = "reviews"  # in AccessChannel.rules
MAX_LEVELS = 5
MAX_REVIEWERS = 10  # of a level
MAX_CASES = 20


class Origin(StrEnum):
    """The interface by which a request came."""

    CONSOLE = "console"  # a member sends, by the management API
    API = "api"  # an access channel sends


class Kind(StrEnum):
    ORDINARY = "ordinary"
    TEMPLATE = "template"


class Case(NamedTuple):
    """Messages that need a review. Nothing named means all."""

    origin: Origin
    kinds: tuple[Kind, ...] = ()
    audiences: tuple[AudienceKind, ...] = ()

    def covers(self, origin: Origin, kind: Kind, audience: AudienceKind) -> bool:
        return (
            self.origin is origin
            and (not self.kinds or kind in self.kinds)
            and (not self.audiences or audience in self.audiences)
        )


Levels = tuple[tuple[str, ...], ...]  # the access keys of each level's reviewers


@frozen
class Settings:
    """The reviews that an access channel wants. Without levels nothing is reviewed."""

    messages: Levels = ()
    cases: tuple[Case, ...] = ()
    templates: Levels = ()

    @property
    def of_api(self) -> bool:
        return bool(self.messages) and any(case.origin is Origin.API for case in self.cases)

    def levels_of(self, origin: Origin, kind: Kind, audience: AudienceKind) -> Levels:
        """Return the levels of a message, none if it needs no review."""
        needed = any(case.covers(origin, kind, audience) for case in self.cases)
        return self.messages if needed else ()


def settings_of(rules: Mapping[str, Any]) -> Settings:
    """Read the settings in an access channel's rules."""
    raw = rules.get(RULE)
    if not raw:
        return Settings()
    cases = [
        Case(
            Origin(origin), tuple(Kind(k) for k in kinds), tuple(AudienceKind(a) for a in audiences)
        )
        for origin, kinds, audiences in raw["cases"]
    ]
    return Settings(_levels(raw["messages"]), tuple(cases), _levels(raw["templates"]))


def stored(settings: Settings) -> Mapping[str, Any] | None:
    """Return settings as an access channel's rules keep them, None for no reviews."""
    if settings == Settings():
        return None
    return {
        "messages": settings.messages,
        "cases": [[case.origin, case.kinds, case.audiences] for case in settings.cases],
        "templates": settings.templates,
    }


def _levels(raw: Sequence[Sequence[str]]) -> Levels:
    return tuple(tuple(level) for level in raw)


class Decision(NamedTuple):
    """A reviewer's word. `level`: from 0."""

    level: int
    member: str  # access key
    name: str
    approved: bool
    comment: str
    time: int  # ms


@frozen
class Review:
    """The progress of a review. Any one reviewer of a level decides for the level."""

    levels: Levels
    askers: tuple[str, ...]  # access keys of those who asked, who cannot decide
    decisions: tuple[Decision, ...] = ()
    earlier: tuple[Decision, ...] = ()  # before it was changed and asked for again

    @property
    def level(self) -> int:
        """The level that must decide next, counted from 0."""
        return len(self.decisions)

    @property
    def rejected(self) -> bool:
        return any(not decision.approved for decision in self.decisions)

    @property
    def approved(self) -> bool:
        return not self.rejected and len(self.decisions) >= len(self.levels)

    @property
    def open(self) -> bool:
        return not self.rejected and not self.approved

    @property
    def reviewers(self) -> tuple[str, ...]:
        """The access keys of those who may decide now."""
        level = self.levels[self.level] if self.open else ()
        return tuple(member for member in level if member not in self.askers)

    @property
    def all_decisions(self) -> tuple[Decision, ...]:
        return (*self.earlier, *self.decisions)

    def decide(
        self, member: str, name: str, time: int, *, approved: bool, comment: str = ""
    ) -> Review:
        decision = Decision(self.level, member, name, approved, comment, time)
        return replace(self, decisions=(*self.decisions, decision))

    def again(self, levels: Levels) -> Review:
        """Return the review of a changed request, from the first level on."""
        return Review(levels, self.askers, (), self.all_decisions)


def has_reviewers(levels: Levels, may_decide: Callable[[str], bool]) -> bool:
    """Tell if every level has somebody who may decide."""
    return all(any(map(may_decide, level)) for level in levels)
