"""The truth table of strategies: when the next step is sent, for every course of events.

A virtual clock moves by the minute. Minutes of events are those of receipts, None: there is none.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import pytest

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Entrants, Plan, Target
from chalicelib.domain.strategies import Missing, Operator, Step, Strategy, Term, Verdict
from tests.builders import a_message
from tests.fakes.clock import START

APP, OA, SMS, MAIL = (ChannelType(c) for c in ("app", "wechatoa", "sms", "email"))
CODES = {"push": APP, "oa": OA, "text": SMS, "mail": MAIL}
MINUTE = 60_000
Minute = int | None
Events = Mapping[ChannelType, Mapping[Missing, Minute]]

IN_TIME, LATE, NEVER = "in time", "late", "never"
# The push must be reported within 5 minutes, the message of WeChat within 10.
APP_AT: Mapping[str, Minute] = {IN_TIME: 3, LATE: 7, NEVER: None}
OA_AT: Mapping[str, Minute] = {IN_TIME: 8, LATE: 12, NEVER: None}


def begins(strategy: Strategy, events: Events, reaches: tuple[str, ...] = tuple(CODES)) -> list:
    """Return the minute at which a person enters each step, None: never.

    The person has a contact on the delivery channels of `reaches`.
    """
    codes = {code: kind for code, kind in CODES.items() if kind in strategy.channels}
    message = replace(
        a_message("ann"), strategy=strategy, channels=codes, call_sizes=dict.fromkeys(codes, 1)
    )
    contacts = {code: ("x",) for code in codes if code in reaches}
    target = Target("ann", None, dict.fromkeys(contacts, 1))
    plan = Plan(ChunkId(message.msgid, 0), (target,), (contacts,), START, None)
    entered: list[Minute] = [0] + [None] * (len(strategy.steps) - 1)
    for minute, step in itertools.product(range(60), range(1, len(strategy.steps))):
        if entered[step] is None and entered[step - 1] is not None:
            chunk = _chunk(message, plan, entered, events, minute)
            verdict, _ = chunk.verdict(message, 0, step, START + minute * MINUTE)
            entered[step] = minute if verdict is Verdict.GO else None
    return entered


def _chunk(message: Message, plan: Plan, entered: list[Minute], events: Events, now: int) -> Chunk:
    """Build the chunk as its ledger has it at a minute. What a step sends is submitted at once."""
    facts: list[Fact] = []
    for step, begun in enumerate(entered):
        for code in message.codes_of(step) if begun is not None else ():
            ref = DeliveryRef(0, code, 0)
            if plan.has(ref) and begun is not None:
                times = {FactKind.SUBMITTED: begun}
                for event, at in events.get(message.channels[code], {}).items():
                    if at is not None and at <= now:
                        times[FactKind(event.value)] = at
                facts += [Fact(ref, kind, START + at * MINUTE) for kind, at in times.items()]
    steps = range(1, len(entered))
    lists = [Entrants(n, 0, (0,), START) for n in steps if entered[n] is not None]
    return Chunk(plan, tuple(lists), reported=tuple(facts))


def two_steps(operator: Operator, app: Missing, oa: Missing) -> Strategy:
    terms = (Term(APP, app, 300), Term(OA, oa, 600))
    return Strategy((Step((APP, OA)), Step((SMS,), terms, operator)))


# The push and the message of WeChat: when the SMS is sent.
TABLE: Mapping[tuple[str, str], tuple[Minute, Minute]] = {
    # push, WeChat: with AND, with OR
    (IN_TIME, IN_TIME): (None, None),
    (IN_TIME, LATE): (None, 10),
    (IN_TIME, NEVER): (None, 10),
    (LATE, IN_TIME): (None, 5),
    (LATE, LATE): (None, 5),  # with AND, the late receipt comes before the SMS is due
    (LATE, NEVER): (None, 5),
    (NEVER, IN_TIME): (None, 5),
    (NEVER, LATE): (10, 5),
    (NEVER, NEVER): (10, 5),
}


@pytest.mark.parametrize(("course", "sent"), TABLE.items())
@pytest.mark.parametrize(("app", "oa"), [*itertools.product(Missing, Missing)])
def test_two_steps(
    app: Missing, oa: Missing, course: tuple[str, str], sent: tuple[Minute, Minute]
) -> None:
    events = {APP: {app: APP_AT[course[0]]}, OA: {oa: OA_AT[course[1]]}}
    for operator, minute in zip((Operator.AND, Operator.OR), sent, strict=True):
        assert begins(two_steps(operator, app, oa), events) == [0, minute]


@pytest.mark.parametrize("operator", Operator)
def test_a_delivery_alone_is_not_the_click_that_a_condition_asks_for(operator: Operator) -> None:
    clicks = two_steps(operator, Missing.CLICKED, Missing.CLICKED)
    delivered = {kind: {Missing.DELIVERED: 1} for kind in (APP, OA)}
    assert begins(clicks, delivered) == [0, 10 if operator is Operator.AND else 5]
    deliveries = two_steps(operator, Missing.DELIVERED, Missing.DELIVERED)
    clicked = {kind: {Missing.CLICKED: 1} for kind in (APP, OA)}
    assert begins(deliveries, clicked) == [0, None]  # who has clicked has got it


@pytest.mark.parametrize(
    ("reaches", "with_and", "with_or"),
    [
        (("push",), None, 0),  # WeChat cannot reach: its condition holds at once
        (("oa",), None, 0),
        ((), 0, 0),
    ],
)
def test_whom_a_channel_cannot_reach_does_not_wait_for_it(
    reaches: tuple[str, ...], with_and: Minute, with_or: Minute
) -> None:
    events = {APP: {Missing.DELIVERED: 1}, OA: {Missing.DELIVERED: 1}}
    for operator, minute in ((Operator.AND, with_and), (Operator.OR, with_or)):
        strategy = two_steps(operator, Missing.DELIVERED, Missing.DELIVERED)
        assert begins(strategy, events, (*reaches, "text")) == [0, minute]


def three_steps(operator: Operator) -> Strategy:
    """Push, SMS after 5 minutes, mail if the push is not clicked (20) and / or SMS missing (10)."""
    second = Step((SMS,), (Term(APP, Missing.DELIVERED, 300),))
    terms = (Term(APP, Missing.CLICKED, 1200), Term(SMS, Missing.DELIVERED, 600))
    return Strategy((Step((APP,)), second, Step((MAIL,), terms, operator)))


# The minute of the push's click, and of the SMS's delivery: when the mail is sent.
THREE: Mapping[tuple[Minute, Minute], tuple[Minute, Minute]] = {
    (12, 9): (None, None),
    (12, 18): (None, 15),
    (12, None): (None, 15),
    (25, 9): (None, 20),
    (25, 18): (None, 15),
    (25, None): (20, 15),
    (None, 9): (None, 20),
    (None, 18): (None, 15),
    (None, None): (20, 15),
}


@pytest.mark.parametrize(("course", "sent"), THREE.items())
def test_three_steps_with_a_condition_on_the_first_and_the_second(
    course: tuple[Minute, Minute], sent: tuple[Minute, Minute]
) -> None:
    events = {APP: {Missing.CLICKED: course[0]}, SMS: {Missing.DELIVERED: course[1]}}
    for operator, minute in zip((Operator.AND, Operator.OR), sent, strict=True):
        assert begins(three_steps(operator), events) == [0, 5, minute]


@pytest.mark.parametrize("operator", Operator)
def test_who_was_reached_by_the_first_step_enters_no_other(operator: Operator) -> None:
    events = {APP: {Missing.DELIVERED: 2}}
    assert begins(three_steps(operator), events) == [0, None, None]


@pytest.mark.parametrize(("operator", "mail"), [(Operator.AND, 20), (Operator.OR, 5)])
def test_who_has_no_contact_in_an_earlier_step_is_judged_by_the_others(
    operator: Operator, mail: Minute
) -> None:
    """Nobody without a phone is reached by SMS, so that condition holds at once."""
    assert begins(three_steps(operator), {}, ("push", "mail")) == [0, 5, mail]


@pytest.mark.parametrize("operator", Operator)
def test_a_condition_on_the_first_step_alone_ignores_the_second(operator: Operator) -> None:
    last = Step((MAIL,), (Term(APP, Missing.CLICKED, 1200),), operator)
    strategy = Strategy((*three_steps(operator).steps[:2], last))
    events = {SMS: {Missing.DELIVERED: 6, Missing.CLICKED: 7}}
    assert begins(strategy, events) == [0, 5, 20]
