"""Notes of small messages, as the ledger's stream brings its items."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from chalicelib.aws import figures, ledger_items
from chalicelib.aws.figures import Notes
from chalicelib.aws.items import from_item
from chalicelib.aws.timers import Timers
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.figures import QUARTER, Cell, of_chunk
from chalicelib.domain.messages import Hold
from chalicelib.domain.notes import Note, gathered
from chalicelib.domain.plans import ChunkId, Entrants
from chalicelib.entrypoints.lambdas import streams
from tests.builders import SHOP, a_big_message, a_message, a_plan
from tests.fakes.clock import FakeClock
from tests.fakes.secrets import FakeVault

HOURS = 36_000_000  # ms
NOTES = Notes(Timers(FakeClock()))  # type: ignore[arg-type]


def in_stream(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as a record of the stream has it."""
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in item.items()
    }


def test_facts_of_a_message_that_was_held_or_reviewed_say_since_when_it_is_sent() -> None:
    for message in (a_message("ann"), a_big_message()):
        reviewed = replace(message, accepted=message.accepted + HOURS)
        held = replace(message, hold=Hold(reviewed.accepted, "quiet_hours"))
        at, fact = ChunkId(message.msgid, 0), Fact(DeliveryRef(0, "push", 0), FactKind.SUBMITTED, 1)
        starts = {}
        for name, sent in {"at once": message, "reviewed": reviewed, "held": held}.items():
            image = in_stream(ledger_items.facts_item(at, [fact], sent.retention))
            starts[name] = streams.start_of(image)
            assert NOTES.of_ledger(image) == Note(at, (fact,), starts[name])
        begins = reviewed.accepted
        assert starts == {"at once": 0, "reviewed": begins, "held": begins}


def test_who_has_not_entered_the_first_step_has_no_delivery() -> None:
    """People with zones of their own enter it one after the other, or never: it may be withdrawn.

    The figures of a small message are those of its ledger.
    """
    message = a_message("ann", "bob", rated=True)
    plan = a_plan(message, starts=(message.accepted, message.accepted + HOURS))
    entered = Entrants(0, 0, (0,), 0)
    vault, at = FakeVault(), plan.id
    items = [
        ledger_items.plan_item(vault, plan, message),
        ledger_items.entrants_item(at, entered, message),
    ]
    said = [note for item in items if (note := NOTES.of_ledger(in_stream(item))) is not None]
    stored = map(from_item, figures.bundles([Note(at, message), *said]))
    known = gathered(figures.read(stored))
    (chunk,) = known.messages[0].chunks
    expected = of_chunk(message, Chunk(plan, (entered,)))
    assert of_chunk(message, chunk) == expected
    assert expected[Cell(SHOP, message.accepted // QUARTER)]["channel|app|push|planned"] == 1
