"""`make fairness N=100000`: the delay of small sends alone, and beside the big ones of others.

The delay is the time from a message's acceptance to its submission, as the API reports both.
- alone: pushes of priority 1 to one person each.
- broadcast: the same, while a push of priority 3 goes to N users.
- flood: the same with pushes of priority 2, while another access channel sends as many as it may.

Results go to the section "Fairness" of docs/explanation/performance.md and .local/fairness.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests
from rich.console import Console

from chalicelib.domain.values import frozen
from infra.bench import page
from infra.bench.scenario import STACK, alone, until
from infra.demo.client import Shop
from infra.local.files import LOCAL
from infra.local.stack import down, up

WENT_ON, KEPT = "went on", "kept"
BOUND = 2.0  # times the p99 of the same sends alone
PROBES = 100
PAUSE = 0.15  # seconds between two probes
SENDERS = 4  # threads of the flood
RATE = 20  # requests a second that the flooding access channel may make
LAST = 19  # the kernel's niceness of a thread that gets the cores last
PATIENCE = 1800  # seconds until a broadcast or flood is over
CONTENT = {"title": "Hello {{name}}", "alert": "Your code is 1234"}
VALUES = {"name": "Ann"}

TEXT = """\
`make fairness N={users}` writes this section. Do not edit it.

{probes} pushes go to one person each, a few in a second.
Their delay lasts from the acceptance to the submission.
It is that of this machine ({machine}, {cores} cores, load {load:.1f} before).
Emulator, functions and sandbox share these cores. AWS gives each function cores of its own.
So jobs of priority 3 get the machine's cores last.
The functions are warm: a broadcast and a flood went before, without being measured.
The bound is a p99 of at most {bound:g} times the p99 alone. It says nothing where the broadcast or
the flood did not go on until the last push.

- **broadcast**: pushes of priority 1, while a push of priority 3 goes to {users:,} users.
- **flood**: pushes of priority 2 of one access channel, while {senders} clients of another one send
  as many as they can. Its own limit is {rate} requests a second. What exceeds it is refused.
  On AWS, clients have machines of their own. So these clients get the machine's cores last.

| | p50 alone, ms | p50, ms | p99 alone, ms | p99, ms | ratio of p99 | bound | beside |
|---|---:|---:|---:|---:|---:|---|---|
{rows}"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.fairness", description=__doc__)
    parser.add_argument("users", type=int, nargs="?", default=100_000)
    parser.add_argument("--strict", action="store_true", help="exit 1 when the bound is missed")
    arguments = parser.parse_args()
    console, load = Console(), os.getloadavg()[0]
    with alone():
        try:
            report = _measure(console, up(STACK), arguments.users)
        finally:
            down(STACK)
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    page.put_section("Fairness", section(report, arguments.users, machine, load))
    (LOCAL / "fairness.json").write_text(json.dumps(report, indent=2) + "\n")
    for name, figures in report.items():
        console.print(f"{name:10} {figures} (bound {BOUND:g}: {verdict(figures)})")
    is_kept = all(verdict(figures) == KEPT for figures in report.values())
    return int(arguments.strict and not is_kept)


def _measure(
    console: Console, description: Mapping[str, Any], users: int
) -> dict[str, dict[str, Any]]:
    small, big = (_shop(description) for _ in range(2))
    _limit(big)
    probe = Prober(small)
    console.print(f"creating {users} users (not counted)")
    for start in range(0, users, 10_000):
        names = [f"{big.mark}_{n}" for n in range(start, min(start + 10_000, users))]
        big.upload([big.user(name, app=[f"reg{name}"]) for name in names])
    template = big.template(app=CONTENT)
    _warm(big, template, users, probe)
    report: dict[str, dict[str, Any]] = {}
    for name, priority, begin in (
        ("broadcast", 1, _broadcast),
        ("flood", 2, _flood),
    ):
        by_itself = probe.run(priority)
        load = begin(big, template, users)
        beside, state = probe.run(priority), load.state
        console.print(f"{name}: {state}")
        load.end()
        until(load.is_over, PATIENCE)
        report[name] = {**compared(by_itself, beside), "load": state}
    return report


def _shop(description: Mapping[str, Any]) -> Shop:
    options = {"jpush": {"receipt_batch": 100, "receipt_wait": 5}}
    return Shop(description, options=options, kinds=("app",))


def _limit(shop: Shop) -> None:
    """Let a shop's access channel make few requests a second."""
    requests.patch(
        f"{shop.admin.url}/admin/v1/access-channels/{shop.key}",
        json={"rate": RATE},
        auth=shop.admin.pair,
        headers={"If-Match": "*"},
        timeout=30,
    ).raise_for_status()


def _warm(shop: Shop, template: int, users: int, probe: Prober) -> None:
    """Let a flood and a broadcast start as many functions as they keep busy."""
    for begin in (_flood, _broadcast):
        load = begin(shop, template, users)
        probe.run(1)
        load.end()
        until(load.is_over, PATIENCE)


@frozen
class Load:
    """Sends that go on beside the probes."""

    is_over: Callable[[], bool]  # True once all that began was sent
    end: Callable[[], None] = lambda: None  # lets nothing more begin
    dead: Callable[[], int] = lambda: 0  # clients that ended by themselves

    @property
    def state(self) -> str:
        """Say if the load is still what it should be, before it is ended."""
        if dead := self.dead():
            return f"{dead} of {SENDERS} clients broke off"
        return "ended early" if self.is_over() else WENT_ON


class Prober:
    """Single sends whose delay is measured."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._people = [f"{shop.mark}_{n}" for n in range(PROBES)]
        shop.upload([shop.user(name, app=[f"reg{name}"]) for name in self._people])
        self._template = shop.template(app=CONTENT)

    def run(self, priority: int) -> list[int]:
        """Return the delays of sends of a priority, in ms."""
        sent: list[tuple[str, str]] = []
        for userid in self._people:
            option = {"priority": priority}
            msgid = self._shop.api.send([userid], self._template, VALUES, option=option)
            sent.append((msgid, userid))
            time.sleep(PAUSE)
        return [self._delay(msgid, userid) for msgid, userid in sent]

    def _delay(self, msgid: str, userid: str) -> int:
        submitted: list[int] = []

        def is_submitted() -> bool:
            life = self._shop.api.target(msgid, userid)
            facts = [fact for delivery in life["deliveries"] for fact in delivery["facts"]]
            submitted[:] = [fact["time"] for fact in facts if fact["fact"] == "submitted"]
            return bool(submitted)

        until(is_submitted, PATIENCE)
        return submitted[0] - int(self._shop.api.message(msgid)["accepted"])


def _broadcast(shop: Shop, template: int, users: int) -> Load:
    """Begin a broadcast of priority 3 to all users."""
    body = {
        "template_id": template,
        "template_para": VALUES,
        "app_para": {"platform": "all"},
        "option": {"priority": 3},
    }
    before = _sent_to(shop)
    shop.api.ask("POST", "/v1/template/broadcast", body)
    until(lambda: _sent_to(shop) > before, PATIENCE)
    return Load(lambda: _sent_to(shop) - before >= users)


def _flood(shop: Shop, template: int, users: int) -> Load:
    """Begin single sends in several threads, each to one user after the other."""
    before, ended = _sent_to(shop), threading.Event()
    people, msgids = itertools.cycle(range(users)), list[str]()

    def send() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)
        while not ended.is_set():
            body = {
                "aud_userid": [f"{shop.mark}_{next(people)}"],
                "template_id": template,
                "template_para": VALUES,
                "app_para": {"platform": "all"},
            }
            answer = shop.api.call("POST", "/v1/template/sent", body)
            if answer.ok:
                msgids.append(answer.json()["msgid"])
            else:  # more than its access channel may send
                time.sleep(int(answer.headers["Retry-After"]))

    def is_over() -> bool:
        senders_ended = not any(sender.is_alive() for sender in senders)
        return senders_ended and _sent_to(shop) - before >= len(msgids)

    senders = [threading.Thread(target=send, daemon=True) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    until(lambda: _sent_to(shop) > before, PATIENCE)
    return Load(is_over, ended.set, lambda: sum(not sender.is_alive() for sender in senders))


def _sent_to(shop: Shop) -> int:
    """Count the sends to a shop's own users."""
    sends = shop.sandbox.sends("jpush")
    return sum(number for contact, number in sends.items() if shop.mark in contact)


def percentile(delays: Sequence[float], share: float) -> float:
    """Return the smallest delay that a share of all delays do not exceed."""
    ordered = sorted(delays)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def compared(by_itself: Sequence[float], beside: Sequence[float]) -> dict[str, float]:
    figures = {
        "p50_alone": percentile(by_itself, 0.5),
        "p50": percentile(beside, 0.5),
        "p99_alone": percentile(by_itself, 0.99),
        "p99": percentile(beside, 0.99),
    }
    return {**figures, "ratio": round(figures["p99"] / max(1, figures["p99_alone"]), 2)}


def verdict(figures: Mapping[str, Any]) -> str:
    if figures["load"] != WENT_ON:
        return "not measured"
    return KEPT if figures["ratio"] <= BOUND else "missed"


def section(report: Mapping[str, Mapping[str, Any]], users: int, machine: str, load: float) -> str:
    rows = [
        f"| {name} | {figures['p50_alone']:,} | {figures['p50']:,} | {figures['p99_alone']:,}"
        f" | {figures['p99']:,} | {figures['ratio']:g} |"
        f" {verdict(figures)} | {figures['load']} |\n"
        for name, figures in report.items()
    ]
    return TEXT.format(
        users=users,
        probes=PROBES,
        machine=machine,
        cores=os.cpu_count(),
        load=load,
        bound=BOUND,
        senders=SENDERS,
        rate=RATE,
        rows="".join(rows),
    )


if __name__ == "__main__":
    sys.exit(main())
