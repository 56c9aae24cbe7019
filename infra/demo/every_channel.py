"""`make demo CHANNELS=all`: one message through all nine channel types at once, to three people.

The first person opens all messages, the second only receives them. The third's contacts are wrong.
The demo shows each provider's sends and reports with their times, and the life of one message.
It exits with 0 only if every outcome is the expected one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from infra.demo import third_party
from infra.demo.client import PRICES, Failed, Shop
from infra.demo.platforms import PLATFORMS, USUAL
from infra.local.files import DEMO, Stack
from infra.local.processes import NotStarted
from infra.local.stack import up

PEOPLE = {"ann": "click", "ben": "deliver", "cy": "reject"}  # behaviour of all contacts by person
VALUES = {"name": "Ann", "url": "https://shop.example/orders/1042"}
PATIENCE = 150  # seconds until the demo gives up. Receipts are polled after half a minute.


@dataclass(frozen=True)
class Line:
    """A delivery of a target in the API's answer."""

    kind: str
    person: str
    state: str
    facts: Sequence[Mapping[str, Any]]
    provider_id: str

    @property
    def expected(self) -> str:
        return PLATFORMS[USUAL[self.kind]].state(PEOPLE[self.person])

    @property
    def is_right(self) -> bool:
        return self.state == self.expected

    def when(self, name: str, accepted: int) -> str:
        return next((_seconds(fact, accepted) for fact in self.facts if fact["fact"] == name), "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.demo.every_channel", description=__doc__)
    parser.add_argument("--name", default=DEMO, help="the local stack to use")
    parser.add_argument("--stage", default="local")
    arguments = parser.parse_args()
    console = Console()
    begun = time.monotonic()
    with console.status("starting the local stack"):
        description = up(Stack(arguments.name, arguments.stage))
    seconds = time.monotonic() - begun
    console.print(f"[bold]The stack is up[/] at {description['api_url']} ({seconds:.1f} s)")
    shop = _prepare(console, description)
    msgid = shop.api.send(_userids(shop), shop.template(**shop.contents()), VALUES)
    reach = f"{len(PEOPLE)} people over {len(shop.kinds)} channel types"
    console.print(f"[bold]One message[/] to {reach}: {msgid}")
    targets, lines = _watch(console, shop, msgid)
    accepted = targets["ann"]["planned"]
    console.print(_channels(shop, lines, accepted), _life(lines, accepted), sep="\n")
    wrong = list(differences(shop, lines, shop.api.message(msgid)))
    for line in wrong:
        console.print(f"[bold red]wrong:[/] {line}", soft_wrap=True)
    if not wrong:
        console.print(
            "[bold green]Every channel did its work[/], by the providers' own log too."
            f" ({time.monotonic() - begun:.1f} s)"
        )
    return int(bool(wrong))


def _prepare(console: Console, description: Mapping[str, Any]) -> Shop:
    with console.status(
        "creating nine delivery channels, a template and three people through the API"
    ):
        shop = Shop(description, kinds=tuple(USUAL), settings=PRICES)
        third_party.prepare(shop)
        shop.upload(
            [shop.user(_userid(shop, person), **contacts(shop, person)) for person in PEOPLE]
        )
    return shop


def contacts(shop: Shop, person: str) -> dict[str, str]:
    number = list(PEOPLE).index(person)
    return {kind: shop.contact(kind, number, PEOPLE[person]) for kind in shop.kinds}


def _userid(shop: Shop, person: str) -> str:
    return f"{shop.mark}_{person}"


def _userids(shop: Shop) -> list[str]:
    return [_userid(shop, person) for person in PEOPLE]


def _watch(console: Console, shop: Shop, msgid: str) -> tuple[dict[str, Any], list[Line]]:
    """Query until every delivery has its expected state, or patience ends."""
    begun = time.monotonic()
    with Live(console=console, transient=True) as live:
        while True:
            targets = {person: shop.api.target(msgid, _userid(shop, person)) for person in PEOPLE}
            lines = list(_lines(targets))
            seconds = time.monotonic() - begun
            if (lines and all(line.is_right for line in lines)) or seconds > PATIENCE:
                return targets, lines
            kinds = sorted({line.kind for line in lines if not line.is_right})
            waiting = ", ".join(kinds) or "the plan"
            live.update(Group(f"{seconds:.0f} s, waiting for {waiting}"))
            time.sleep(0.5)


def _lines(targets: Mapping[str, Any]) -> Iterator[Line]:
    for person, target in targets.items():
        for delivery in target["deliveries"]:
            yield Line(
                delivery["channel"],
                person,
                delivery["state"],
                delivery["facts"],
                delivery["provider_id"],
            )


def _channels(shop: Shop, lines: Sequence[Line], accepted: int) -> Table:
    """Build the table of each channel's sends, and of each person's delivery."""
    title = "seconds after the message was accepted (some providers report whole seconds only)"
    table = _table(
        title, "channel type", "taken", "person", "submitted", "delivered", "clicked", "state"
    )
    for kind in shop.kinds:
        of_kind = [line for line in lines if line.kind == kind]
        head = (kind, str(taken(shop, kind)))
        for line in of_kind:
            table.add_row(*head, *_cells(line, accepted), end_section=line is of_kind[-1])
            head = ("", "")
    return table


def _cells(line: Line, accepted: int) -> Iterator[str]:
    """Yield the person, the times of the facts, and the coloured state."""
    yield line.person
    for name in ("submitted", "delivered", "clicked"):
        yield line.when(name, accepted)
    code = next((fact["code"] for fact in line.facts if fact["fact"] == line.state), "")
    colour = "yellow" if PEOPLE[line.person] == "reject" else "green"
    if not line.is_right:
        colour = "red"
    yield f"[{colour}]{line.state} {code}[/]"


def _life(lines: Sequence[Line], accepted: int) -> Table:
    """Build the table of the facts of the first person's message, in sequence."""
    title = "the life of Ann's message"
    table = _table(title, "after", "channel type", "fact", "source", "the provider's id")
    life: list[tuple[Mapping[str, Any], Line]] = []
    for line in lines:
        if line.person == "ann":
            life += ((fact, line) for fact in line.facts)
    for fact, line in sorted(life, key=lambda pair: pair[0]["time"]):
        provider_id = str(line.provider_id or "")
        table.add_row(
            _seconds(fact, accepted), line.kind, fact["fact"], fact["source"], provider_id
        )
    return table


def _table(title: str, *columns: str) -> Table:
    """Build a table whose last column gives way in a narrow terminal."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in columns:
        table.add_column(name, no_wrap=name != columns[-1])
    return table


def _seconds(fact: Mapping[str, Any], accepted: int) -> str:
    return f"{max(0, fact['time'] - accepted) / 1000:.1f}"


def taken(shop: Shop, kind: str) -> int:
    """Count the deliveries in the provider's own log."""
    sends = shop.sandbox.sends(shop.provider(kind))
    return sum(sends.get(contacts(shop, person)[kind], 0) for person in PEOPLE)


def differences(shop: Shop, lines: Sequence[Line], answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield a text for each outcome that differs from the expected one."""
    if not answer["balanced"]:
        yield "the ledger does not balance"
    expected = sum(behaviour != "reject" for behaviour in PEOPLE.values())
    for kind in shop.kinds:
        of_kind = [line for line in lines if line.kind == kind]
        if len(of_kind) != len(PEOPLE):
            yield f"{kind}: {len(of_kind)} deliveries, but it must be {len(PEOPLE)}"
        for line in of_kind:
            if not line.is_right:
                yield f"{kind} of {line.person}: {line.state}, but it must be {line.expected}"
        if taken(shop, kind) != expected:
            yield f"{kind}: the provider took {taken(shop, kind)}, but it must be {expected}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, NotStarted) as failure:
        sys.exit(f"demo: {failure}")
    except requests.RequestException as failure:
        sys.exit(
            f"demo: the stack does not answer ({type(failure).__name__}). See its logs with"
            " `make logs`, or start it anew with `make down up`."
        )
