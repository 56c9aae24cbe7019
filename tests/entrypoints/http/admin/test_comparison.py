"""A message beside the 30-day mean of its access channel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import days
from chalicelib.ports import Document
from tests.builders import a_message, a_plan, a_reachable_user
from tests.entrypoints.conftest import KEY, Api
from tests.fakes.clock import START

KINDS = (FactKind.SUBMITTED, FactKind.DELIVERED)
NOTHING = {"rate": None, "mean": None, "p10": None, "p90": None}


def sent(api: Api) -> str:
    """Send a message to one person, whom the push has reached."""
    message = replace(a_message("ann", channel_key=KEY, accepted=START), template=(0, 0))
    plan = a_plan(message, users=[a_reachable_user("ann")])
    api.fake.messages.has(message)
    api.fake.ledger.put_plan(plan, message)
    facts = [Fact(DeliveryRef(0, "push", 0), kind, START + 1, "") for kind in KINDS]
    api.fake.ledger.add(ChunkId(message.msgid, 0), facts, message)
    return message.msgid


def had(api: Api, ago: int, submitted: int, delivered: int) -> None:
    """Store the figures of a day some days before the message."""
    day = days.day_of(api.fake.ports.limits, START) - ago
    stages = {"submitted": submitted, "delivered": delivered}
    counts = {f"channel|app|push|{stage}": number for stage, number in stages.items()}
    api.fake.figures.store([Document(days.day_key(KEY, day), 1, {"seen": 1, "counts": counts})])


def test_a_message_is_compared_with_the_thirty_days_up_to_it(api: Api) -> None:
    msgid = sent(api)
    had(api, 0, 10, 9)
    had(api, 29, 30, 15)
    had(api, 30, 1000, 0)
    had(api, -1, 1000, 0)
    before = len(api.fake.log)
    answer = api.admin("GET", f"messages/{msgid}/comparison")
    assert answer.status == 200
    assert api.fake.log[before:].count("figures.between") == 1
    (row,) = answer.json["channels"]
    assert row["channel_type"] == "app"
    assert row["delivery_rate"] == {"rate": 1.0, "mean": 0.6, "p10": 0.5, "p90": 0.9}
    assert row["click_rate"] == {"rate": 0.0, "mean": 0.0, "p10": 0.0, "p90": 0.0}


def test_without_figures_there_is_nothing_to_compare_with(api: Api) -> None:
    answer = api.admin("GET", f"messages/{sent(api)}/comparison").json
    assert answer["days"] == 30
    assert answer["channels"][0]["delivery_rate"] == {**NOTHING, "rate": 1.0}


@pytest.mark.parametrize("msgid", ["nothing", "00000000000000000000"])
def test_a_message_that_is_not_there_is_not_compared(api: Api, msgid: str) -> None:
    assert api.admin("GET", f"messages/{msgid}/comparison").status == 404
