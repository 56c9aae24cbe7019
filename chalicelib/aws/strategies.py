"""Strategies as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.strategies import Choice, Missing, Operator, Step, Strategy, Term


def read_strategy(body: Mapping[str, Any]) -> Strategy:
    return Strategy(tuple(_step(step) for step in body["steps"]))


def _step(step: Mapping[str, Any]) -> Step:
    terms = tuple(
        Term(ChannelType(t["channel"]), Missing(t["missing"]), t["within"]) for t in step["terms"]
    )
    channels, choose = tuple(ChannelType(c) for c in step["channels"]), step.get("choose")
    return Step(channels, terms, Operator(step["operator"]), Choice(choose) if choose else None)
