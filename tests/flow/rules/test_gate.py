"""The rules of sending are applied in their order, and cost nothing while none is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Target, TargetLoss
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.flow.rules import gate
from chalicelib.flow.rules.gate import Hold
from chalicelib.flow.select import Selection
from chalicelib.ports import World
from tests.builders import a_message

NONE = cast("World", None)


def test_the_longest_hold_counts() -> None:
    def rule(until: int | None) -> gate.MessageRule:
        hold = None if until is None else Hold(until, "quiet_hours")
        return lambda world, request, resolved: hold

    rules = (rule(5), rule(None), rule(9))
    request, resolved = cast("SendRequest", None), cast("ResolvedSend", None)
    assert gate.for_message(NONE, request, resolved, rules) == Hold(9, "quiet_hours")


def test_each_rule_gets_what_the_rule_before_left() -> None:
    def lose(loss: TargetLoss) -> gate.TargetRule:
        def rule(
            world: World, message: Message, chosen: Sequence[Selection]
        ) -> Sequence[Selection]:
            return [
                one if one.target.loss else one._replace(target=one.target._replace(loss=loss))
                for one in chosen
            ]

        return rule

    rules = (lose(TargetLoss.OPTED_OUT), lose(TargetLoss.BLACKLISTED))
    chosen = [Selection(Target("u", None, {}), {})]
    message = a_message("u")
    (one,) = gate.for_targets(NONE, message, 0, chosen, rules)
    assert one.target.loss is TargetLoss.OPTED_OUT
