"""The ledger keeps what rules of sending decide about targets."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.plans import Entrants
from tests.builders import a_plan, a_strategy
from tests.contracts.conftest import Container, a_message, read
from tests.contracts.test_ledger import NOW


def test_personal_values_are_read_as_they_were_put_and_sealed(container: Container) -> None:
    message = a_message("ann", "bob")
    plan = replace(a_plan(message), values=({"name": "Ann Marked"}, {}))
    container().ledger.put_plan(plan, message)
    assert container().ledger.plan(plan.id) == plan
    assert read(container(), plan.id).plan.values_of(0) == {"name": "Ann Marked"}


def test_quiet_times_are_read_as_they_were_put(container: Container) -> None:
    message = a_message("ann", "bob", "cem")
    nights = {0: ("22:00", "08:00", "Asia/Shanghai"), 2: ("23:00", "06:00", "Europe/Berlin")}
    plan = replace(a_plan(message), quiet=nights)
    container().ledger.put_plan(plan, message)
    assert container().ledger.plan(plan.id) == plan


def test_entrants_keep_what_their_step_leaves_out(container: Container) -> None:
    message = a_message("ann", "ben", strategy=a_strategy("app", "sms"))
    at = container().ledger.put_plan(a_plan(message), message).id
    entrants = Entrants(1, 0, (0, 1), NOW, {(1, "text"): "capped"})
    assert container().ledger.freeze(at, entrants, message) == entrants
    chunk = read(container(), at)
    assert chunk.entrants == (entrants,)
    assert [ref.target for ref in chunk.plan.deliveries("text", entrants)] == [0]
