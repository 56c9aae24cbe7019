"""`make broadcast N=200000`: one push to all users by several partitions, with killed processes.

Half of the working processes are killed. The sandbox's log shows that every user gets one push.
The report has requests, units, dollars, and the highest memory of a function.
It goes to .local/broadcast.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from infra.bench.cost import Result
from infra.bench.scenario import STACK, Scenario, alone
from infra.bench.single_sends import APP
from infra.demo.client import Shop
from infra.local.files import LOCAL
from infra.local.stack import down, up

EVERY = 2.0  # seconds between two accidents
KILLED = 0.5  # share of the workers
PATIENCE = 3600  # seconds for the whole broadcast


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.broadcast", description=__doc__)
    parser.add_argument("users", type=int, nargs="?", default=200_000)
    arguments = parser.parse_args()
    console = Console()
    with alone():
        try:
            report = _broadcast(console, up(STACK), arguments.users)
        finally:
            down(STACK)
    (LOCAL / "broadcast.json").write_text(json.dumps(report, indent=2) + "\n")
    for name, value in report.items():
        console.print(f"{name:32} {value:>12}")
    return 0


def _broadcast(console: Console, description: Mapping[str, Any], users: int) -> dict[str, Any]:
    shop = Shop(
        description, options={"jpush": {"receipt_batch": 100, "receipt_wait": 5}}, kinds=("app",)
    )
    console.print(f"creating {users} users (not counted)")
    for start in range(0, users, 10_000):
        names = [f"{shop.mark}_{n}" for n in range(start, min(start + 10_000, users))]
        shop.upload([shop.user(name, app=[f"reg{name}"]) for name in names])
    template = shop.template(app=APP)
    scenario = Scenario(description, shop)
    message = shop.api.ask("POST", "/v1/template/broadcast", _body(template))
    accidents = Accidents(description)
    _disturb(console, scenario, accidents, users)
    seconds = scenario.seconds()
    return {
        **_outcome(shop, message["msgid"], users),
        **_figures(scenario.result(users, users / seconds), seconds, accidents),
    }


def _disturb(console: Console, scenario: Scenario, accidents: Accidents, users: int) -> None:
    """Kill workers until 90 % of the receipts are there, and wait for the rest.

    The work of a killed worker comes back when its queue shows it again.
    """
    begun, next_line = time.monotonic(), 0.0
    while (posted := scenario.posted("jpush")) < users:
        seconds = time.monotonic() - begun
        if seconds > PATIENCE:
            raise SystemExit(f"broadcast: {posted} receipts of {users} within {PATIENCE} s")
        if posted < users * 0.9:
            accidents.happen()
        if seconds > next_line:
            killed = f"{accidents.killed} of {len(accidents.seen)} workers killed"
            console.print(f"{seconds:6.0f} s: {posted} receipts, {killed}")
            next_line = seconds + 15
        time.sleep(EVERY)


def _body(template: int) -> dict[str, Any]:
    return {
        "template_id": template,
        "template_para": {"name": "Ann"},
        "app_para": {"platform": "all"},
        "option": {"priority": 3},
    }


class Accidents:
    """Kills of processes that run functions, as by a failing machine."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        self._address = description["emulator_url"] + "/_openums/workers"
        self.seen: set[int] = set()
        self.killed = self.most_memory = 0

    def happen(self) -> None:
        workers = requests.get(self._address, timeout=10).json()
        pids = [worker["pid"] for worker in workers]
        self.seen.update(pids)
        self.most_memory = max([self.most_memory, *map(_memory, pids)])
        due = int(len(self.seen) * KILLED) - self.killed
        for pid in random.sample(pids, min(max(due, 0), len(pids))):
            os.kill(pid, signal.SIGKILL)
            self.killed += 1


def _memory(pid: int) -> int:
    """Return the highest memory of a process so far in MB, 0 if the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def _outcome(shop: Shop, msgid: str, users: int) -> dict[str, Any]:
    """Return the outcome. Exit unless every user got one push."""
    sends = shop.sandbox.sends("jpush")
    repeated = sum(number > 1 for number in sends.values())
    end = time.monotonic() + 300
    while True:
        message = shop.api.message(msgid)
        delivered = message["funnel"]["users"]["delivered"]
        if delivered >= users or time.monotonic() >= end:
            break
        time.sleep(5)
    if len(sends) != users or repeated or delivered != users or not message["balanced"]:
        raise SystemExit(
            f"broadcast: {len(sends)} reached, {repeated} of them twice. The API's answer:"
            f" {message['funnel']['users']}, {message['losses']}"
        )
    return {
        "users": users,
        "sent twice": repeated,
        "delivered, as the API says": delivered,
    }


def _figures(result: Result, seconds: float, accidents: Accidents) -> dict[str, Any]:
    return {
        "workers": len(accidents.seen),
        "workers killed": accidents.killed,
        "most memory of one, MB": accidents.most_memory,
        "seconds": round(seconds),
        "deliveries per second": round(result.deliveries_per_second),
        "AWS requests per 1,000": round(result.report["aws_requests_per_1000"], 1),
        "dollars per million": round(result.report["usd_per_million"], 2),
    }


if __name__ == "__main__":
    sys.exit(main())
