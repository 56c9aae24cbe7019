"""Rows of fact files say whom they are about."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.fact_files import REFUSED, of_chunk
from chalicelib.domain.plans import Entrants, Target
from tests.builders import a_message, a_plan, a_strategy


def test_a_contact_that_a_step_left_out_is_that_of_a_target_and_a_step() -> None:
    """One is left out by the plan, and two for one reason by a later step."""
    message = a_message("ann", "bob", "zoe", strategy=a_strategy("app", "sms"))
    targets = [Target(name, None, {"push": 1, "text": 1}) for name in message.userids]
    targets[0] = Target("ann", None, {"text": 1}, {"push": "opted_out"})
    plan = replace(a_plan(message), targets=tuple(targets))
    capped = dict.fromkeys([(1, "text"), (2, "text")], "capped")
    chunk = Chunk(plan, (Entrants(1, 0, (0, 1, 2), 0, capped),))
    rows = [row for row in of_chunk(message, chunk) if row.fact == REFUSED]
    assert [(row.number, row.target, row.step, row.element, row.code) for row in rows] == [
        (0, "ann", 1, "push", "opted_out"),
        (1, "bob", 2, "text", "capped"),
        (2, "zoe", 2, "text", "capped"),
    ]
    assert len({*rows}) == len(rows)
