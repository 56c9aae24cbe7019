"""Stored requests as values to pack, and back. What is secret stands apart from plain facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.rules.reviews import Decision, Kind, Origin, Review
from chalicelib.domain.rules.schedules import DateRule, Occasion, Outcome, Timing
from chalicelib.domain.stored_requests import About, Form, Result, State, StoredRequest, Written

if TYPE_CHECKING:  # few requests belong to one
    from chalicelib.domain.rules.ab_tests import AbTest, Split

_PLAIN = ("channel_key", "created", "owner", "next", "local")


def facts(request: StoredRequest) -> dict[str, Any]:
    """Return what may be read without the data key."""
    return {
        **{name: getattr(request, name) for name in _PLAIN},
        "state": request.state,
        "written": [request.written.form, request.written.origin, request.written.member],
        "about": request.about._asdict(),
        "timing": asdict(request.timing) if request.timing else None,
        **({"split": request.split} if request.split else {}),
    }


def secret(request: StoredRequest) -> dict[str, Any]:
    """Return what operators wrote, and texts of errors, which may quote contents."""
    return {
        "name": request.name,
        "review": asdict(request.review) if request.review else None,
        "last": request.last._asdict() if request.last else None,
        **({"ab_test": asdict(request.ab_test)} if request.ab_test else {}),
    }


def read(
    id: str,
    version: int,
    expires: int | None,
    facts: Mapping[str, Any],
    secret: Mapping[str, Any],
    body: Mapping[str, Any],
) -> StoredRequest:
    form, origin, member = facts["written"]
    return StoredRequest(
        id=id,
        version=version,
        expires=expires,
        **{name: facts[name] for name in _PLAIN},
        state=State(facts["state"]),
        written=Written(Form(form), body, Origin(origin), member),
        about=_about(facts["about"]),
        timing=_timing(facts["timing"]),
        name=secret["name"],
        review=_review(secret["review"]),
        last=read_result(secret["last"]),
        ab_test=_ab_test(secret["ab_test"]) if "ab_test" in secret else None,
        split=_split(facts["split"]) if "split" in facts else None,
    )


def _about(raw: Mapping[str, Any]) -> About:
    typed = {
        "kind": Kind(raw["kind"]),
        "audience": AudienceKind(raw["audience"]),
        "channels": tuple(map(ChannelType, raw["channels"])),
    }
    return About(**{**raw, **typed})


def _timing(raw: Mapping[str, Any] | None) -> Timing | None:
    if raw is None:
        return None
    rule = raw["date_rule"]
    return Timing(**{**raw, "date_rule": DateRule(*rule) if rule else None})


def _review(raw: Mapping[str, Any] | None) -> Review | None:
    if raw is None:
        return None
    return Review(
        tuple(tuple(level) for level in raw["levels"]),
        tuple(raw["askers"]),
        tuple(Decision(*decision) for decision in raw["decisions"]),
        tuple(Decision(*decision) for decision in raw["earlier"]),
    )


def read_result(raw: Mapping[str, Any] | None) -> Result | None:
    return Result(**{**raw, "outcome": Outcome(raw["outcome"])}) if raw else None


def read_occasion(raw: Mapping[str, Any]) -> Occasion:
    rule = raw["date_rule"]
    return Occasion(**{**raw, "date_rule": DateRule(*rule) if rule else None})


def _split(raw: Sequence[Any]) -> Split:
    from chalicelib.domain.rules.ab_tests import Split

    return Split(*raw)


def _ab_test(raw: Mapping[str, Any]) -> AbTest:
    from chalicelib.domain.rules import ab_tests

    decision, rest = raw["decision"], raw["rest"]
    typed = {
        "variants": tuple(_variant(of) for of in raw["variants"]),
        "metric": ab_tests.Metric(raw["metric"]),
        "if_winner": ab_tests.Then(raw["if_winner"]),
        "if_none": ab_tests.Then(raw["if_none"]),
        "phase": ab_tests.Phase(raw["phase"]),
    }
    if decision:
        time, winner, comparisons = decision
        rows = tuple(ab_tests.Comparison(*of) for of in comparisons)
        typed["decision"] = ab_tests.Decision(time, winner, rows)
    if rest:
        failure = ab_tests.Failure(*rest[-1]) if rest[-1] else None
        typed["rest"] = ab_tests.Rest(*rest)._replace(failure=failure)
    return ab_tests.AbTest(**{**raw, **typed})


def _variant(raw: Mapping[str, Any]) -> Any:
    from chalicelib.domain.rules.ab_tests import Failure, Figures, Variant

    failure, figures = raw["failure"], raw["figures"]
    typed = {
        "failure": Failure(*failure) if failure else None,
        "figures": Figures(*figures) if figures else None,
    }
    return Variant(**{**raw, **typed})
