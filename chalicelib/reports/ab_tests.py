"""Report on A/B tests: what their variants have reached, and what their end decided.

Figures of a test that runs may be looked at as often as you like. Only its end decides.
"""

from __future__ import annotations

from typing import Any

from chalicelib.domain.messages import Message
from chalicelib.domain.proportions import wilson
from chalicelib.domain.rules.ab_tests import (
    BUCKETS,
    AbTest,
    Failure,
    Figures,
    Variant,
    bucket,
)
from chalicelib.domain.stored_requests import StoredRequest
from chalicelib.flow.ab_tests import ab_test_of, figures_of, message_of
from chalicelib.ports import World

MINUTE = 60_000


def line(stored: StoredRequest) -> dict[str, Any]:
    """Return a test as lists show it."""
    test = ab_test_of(stored)
    return {
        "id": stored.id,
        "channel_key": stored.channel_key,
        "name": stored.name,
        "state": test.phase.value,
        "created": stored.created,
        "audience": stored.about.audience.value,
        "metric": test.metric.value,
        "minutes": test.minutes,
        "confidence": round(test.confidence * 100, 3),
        "holdout": _percent(test.holdout),
        "rest": _percent(test.rest_share),
        "if_winner": test.if_winner.value,
        "if_none": test.if_none.value,
        "winner": test.decision.winner or None if test.decision else None,
        "decided": test.decision.time if test.decision else None,
        "sent": _sent(test),
        "version": stored.version,
    }


def shown(world: World, stored: StoredRequest) -> dict[str, Any]:
    """Return a test with the figures of its variants, as they are now or were at their end."""
    test, body = ab_test_of(stored), stored.written.body
    overlays = body.get("variants", {})
    return {
        **line(stored),
        "broadcast": bool(body.get("broadcast")),
        "variants": [_variant(world, test, of, overlays.get(of.name)) for of in test.variants],
        "comparisons": _comparisons(test),
    }


def group(stored: StoredRequest, target: str) -> dict[str, Any]:
    """Return which group of a test a target is in, whether or not the audience includes it."""
    test = ab_test_of(stored)
    name = test.group(stored.id, target)
    variant = test.variant(name)
    msgid = variant.msgid if variant else ""
    if not name and test.rest is not None:
        msgid = test.rest.msgid
    return {
        "id": stored.id,
        "target": target,
        "bucket": bucket(stored.id, target),
        "group": "variant" if variant else name or "rest",
        "variant": variant.name if variant else None,
        "msgid": msgid or None,
    }


def _percent(buckets: int) -> float:
    return buckets * 100 / BUCKETS


def _sent(test: AbTest) -> dict[str, Any] | None:
    rest = test.rest
    if rest is None:
        return None
    return {
        "variant": rest.variant,
        "by": rest.by or None,
        "time": rest.time,
        "msgid": rest.msgid or None,
        "failure": _failure(rest.failure),
    }


def _failure(failure: Failure | None) -> dict[str, Any] | None:
    return failure._asdict() if failure else None


def _variant(world: World, test: AbTest, of: Variant, overlay: Any) -> dict[str, Any]:
    reached, ends = of.figures, None
    if reached is None and of.failure is None:
        message = message_of(world, of.msgid)
        if isinstance(message, Message):
            reached = figures_of(world, message)
            ends = message.starts + test.minutes * MINUTE
    return {
        "name": of.name,
        "share": _percent(of.share),
        "baseline": of == test.baseline,
        "message": overlay,
        "msgid": of.msgid or None,
        "failure": _failure(of.failure),
        "ends": ends,
        "final": of.is_over,
        "measured": of.measured or None,
        "figures": reached._asdict() if reached else None,
        **_rate(test, reached),
    }


def _rate(test: AbTest, reached: Figures | None) -> dict[str, Any]:
    if reached is None or not reached.planned:
        return {"rate": None, "interval": None}
    hits = reached.reached(test.metric)
    interval = wilson(hits, reached.planned, test.confidence)
    ends = {"low": round(interval.low, 6), "high": round(interval.high, 6)}
    return {"rate": round(hits / reached.planned, 6), "interval": ends}


def _comparisons(test: AbTest) -> list[dict[str, Any]]:
    if test.decision is None:
        return []
    return [
        {
            "variant": of.variant,
            "p": of.p,
            "adjusted": of.adjusted,
            "certain": test.is_certain(of.adjusted),
        }
        for of in test.decision.comparisons
    ]
