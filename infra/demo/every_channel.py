"""`make demo CHANNELS=all`: one message through all nine channel types at once, to three people.

One opens whatever comes, one only gets it, and of the third every contact is wrong. Shows what each provider took, what it reported
and when, and the life of one person's message. Exits 0 only if all of it is what the contacts must bring about.
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

from infra.demo.client import Failed, Shop
from infra.demo.platforms import PLATFORMS, USUAL
from infra.local.stack import DEMO, NotStarted, Stack, up

PEOPLE = {
    "ann": "click",
    "ben": "deliver",
    "cy": "reject",
}  # who, and what all contacts of theirs bring about
VALUES = {"name": "Ann", "url": "https://shop.example/orders/1042"}
PATIENCE = 150  # seconds until the demo gives up. Receipts are polled after half a minute.


@dataclass(frozen=True)
class Line:
    """One delivery, as the target's answer has it."""

    kind: str
    person: str
    state: str
    facts: Sequence[Mapping[str, Any]]
    provider_id: str

    @property
    def wanted(self) -> str:
        return PLATFORMS[USUAL[self.kind]].state(PEOPLE[self.person])

    @property
    def is_right(self) -> bool:
        return self.state == self.wanted

    def when(self, name: str, accepted: int) -> str:
        return next((_seconds(fact, accepted) for fact in self.facts if fact["fact"] == name), "")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.demo.every_channel", description=__doc__)
    parser.add_argument("--name", default=DEMO, help="the local stack to use")
    parser.add_argument("--stage", default="local")
    given = parser.parse_args()
    console = Console()
    begun = time.monotonic()
    with console.status("starting the local stack"):
        description = up(Stack(given.name, given.stage))
    console.print(
        f"[bold]The stack is up[/] at {description['api_url']} ({time.monotonic() - begun:.1f} s)"
    )
    shop = _prepare(console, description)
    msgid = shop.api.send(_userids(shop), shop.template(**shop.contents()), VALUES)
    console.print(
        f"[bold]One message[/] to {len(PEOPLE)} people over {len(shop.kinds)} channel types: {msgid}"
    )
    targets, lines = _watch(console, shop, msgid)
    accepted = targets["ann"]["planned"]
    console.print(_channels(shop, lines, accepted), _life(lines, accepted), sep="\n")
    wrong = list(differences(shop, lines, shop.api.message(msgid)))
    for line in wrong:
        console.print(f"[bold red]wrong:[/] {line}", soft_wrap=True)
    if not wrong:
        console.print(
            f"[bold green]Every channel did what it must[/], by the providers' own log too. ({time.monotonic() - begun:.1f} s)"
        )
    return int(bool(wrong))


def _prepare(console: Console, description: Mapping[str, Any]) -> Shop:
    with console.status(
        "creating nine delivery channels, a template and three people through the API"
    ):
        shop = Shop(description, kinds=tuple(USUAL))
        shop.upload([shop.user(_userid(shop, who), **contacts(shop, who)) for who in PEOPLE])
    return shop


def contacts(shop: Shop, who: str) -> dict[str, str]:
    return {kind: shop.contact(kind, list(PEOPLE).index(who), PEOPLE[who]) for kind in shop.kinds}


def _userid(shop: Shop, who: str) -> str:
    return f"{shop.mark}_{who}"


def _userids(shop: Shop) -> list[str]:
    return [_userid(shop, who) for who in PEOPLE]


def _watch(console: Console, shop: Shop, msgid: str) -> tuple[dict[str, Any], list[Line]]:
    """Ask until every delivery is as it must be, or for too long."""
    begun = time.monotonic()
    with Live(console=console, transient=True) as live:
        while True:
            targets = {who: shop.api.target(msgid, _userid(shop, who)) for who in PEOPLE}
            lines = list(_lines(targets))
            seconds = time.monotonic() - begun
            if (lines and all(line.is_right for line in lines)) or seconds > PATIENCE:
                return targets, lines
            waiting = (
                ", ".join(sorted({line.kind for line in lines if not line.is_right})) or "the plan"
            )
            live.update(Group(f"{seconds:.0f} s, waiting for {waiting}"))
            time.sleep(0.5)


def _lines(targets: Mapping[str, Any]) -> Iterator[Line]:
    for who, target in targets.items():
        for each in target["deliveries"]:
            yield Line(each["channel"], who, each["state"], each["facts"], each["provider_id"])


def _channels(shop: Shop, lines: Sequence[Line], accepted: int) -> Table:
    """Per channel what its provider took, and what became of each person's delivery."""
    title = "seconds after the message was accepted; some providers' clocks know whole seconds only"
    table = _table(
        title, "channel type", "taken", "whose", "submitted", "delivered", "clicked", "state"
    )
    for kind in shop.kinds:
        mine = [line for line in lines if line.kind == kind]
        for n, line in enumerate(mine):
            head = (kind, str(taken(shop, kind))) if n == 0 else ("", "")
            told = (line.when(name, accepted) for name in ("submitted", "delivered", "clicked"))
            code = next((each["code"] for each in line.facts if each["fact"] == line.state), "")
            colour = (
                "red"
                if not line.is_right
                else "yellow"
                if PEOPLE[line.person] == "reject"
                else "green"
            )
            table.add_row(
                *head,
                line.person,
                *told,
                f"[{colour}]{line.state} {code}[/]",
                end_section=n == len(mine) - 1,
            )
    return table


def _life(lines: Sequence[Line], accepted: int) -> Table:
    """What happened to the first person's message, in order."""
    table = _table(
        "the life of Ann's message",
        "after",
        "channel type",
        "what",
        "known by",
        "the provider's id",
    )
    hers = [line for line in lines if line.person == "ann"]
    life = [(fact, line) for line in hers for fact in line.facts]
    for fact, line in sorted(life, key=lambda each: each[0]["time"]):
        table.add_row(
            _seconds(fact, accepted),
            line.kind,
            fact["fact"],
            fact["source"],
            str(line.provider_id or ""),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    """The last column gives way where the terminal is narrow."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in columns:
        table.add_column(name, no_wrap=name != columns[-1])
    return table


def _seconds(fact: Mapping[str, Any], accepted: int) -> str:
    return f"{max(0, fact['time'] - accepted) / 1000:.1f}"


def taken(shop: Shop, kind: str) -> int:
    """Deliveries that the provider's own log says it handed on."""
    sends = shop.sandbox.sends(shop.provider(kind))
    return sum(sends.get(contacts(shop, who)[kind], 0) for who in PEOPLE)


def differences(shop: Shop, lines: Sequence[Line], answer: Mapping[str, Any]) -> Iterator[str]:
    """Where what happened is not what the contacts must bring about."""
    if not answer["balanced"]:
        yield "the ledger does not balance"
    wanted = sum(word != "reject" for word in PEOPLE.values())
    for kind in shop.kinds:
        mine = [line for line in lines if line.kind == kind]
        if len(mine) != len(PEOPLE):
            yield f"{kind}: {len(mine)} deliveries, but it must be {len(PEOPLE)}"
        for line in mine:
            if not line.is_right:
                yield f"{kind} of {line.person}: {line.state}, but it must be {line.wanted}"
        if taken(shop, kind) != wanted:
            yield f"{kind}: the provider took {taken(shop, kind)}, but it must be {wanted}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, NotStarted) as failure:
        sys.exit(f"demo: {failure}")
    except requests.RequestException as failure:
        sys.exit(
            f"demo: the stack does not answer ({type(failure).__name__}); what it wrote: make logs, to start it anew: make down up"
        )
