"""The facts that a provider's outcome is."""

from __future__ import annotations

from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.provider_io import Capabilities, DeliveryReport, Loss, Outcome


def facts_of(
    ref: DeliveryRef, outcome: Outcome, now: int, capabilities: Capabilities, cost: int
) -> list[Fact]:
    """Return the facts of a delivery that is not tried again. `cost`: if it is submitted."""
    if outcome.uncertain:
        return [Fact(ref, FactKind.UNKNOWN, now, outcome.code, "call", cost=cost)]
    if outcome.loss is Loss.INVALID_TARGET:
        return [Fact(ref, FactKind.INVALID_TARGET, now, outcome.code, "call")]
    if outcome.loss or outcome.later:
        return [Fact(ref, FactKind.SUBMIT_FAILED, now, outcome.code, "call")]
    facts = [Fact(ref, FactKind.SUBMITTED, now, "", "call", outcome.provider_id, cost)]
    if capabilities.delivery_report is DeliveryReport.ACCEPTED:
        facts.append(Fact(ref, FactKind.DELIVERED, now, "", "call"))
    return facts
