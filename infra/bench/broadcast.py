"""`make broadcast N=200000`: one push to everyone, by several walkers, while half of the processes that work on it are killed.

Shows that nobody is left out and nobody gets it twice (the sandbox's own log says so), with the requests, units and dollars that it
took, and the most memory that a function used. Writes .local/broadcast.json.
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
from infra.bench.pipeline import APP, STACK, Scenario, alone
from infra.demo.client import Shop
from infra.local.stack import LOCAL, down, up

EVERY = 2.0  # seconds between two accidents
KILLED = 0.5  # of the workers that are there
PATIENCE = 3600  # seconds for all of it


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.broadcast", description=__doc__)
    parser.add_argument("users", type=int, nargs="?", default=200_000)
    given = parser.parse_args()
    console = Console()
    with alone():
        try:
            report = _broadcast(console, up(STACK), given.users)
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
    begun, next_line = time.monotonic(), 0.0
    while (posted := scenario.posted("jpush")) < users:
        if time.monotonic() - begun > PATIENCE:
            raise SystemExit(f"broadcast: {posted} receipts of {users} within {PATIENCE} s")
        # After a while the rest is left in peace: what was killed comes back when its queue shows it again.
        if posted < users * 0.9:
            accidents.happen()
        if time.monotonic() > next_line:
            console.print(
                f"{time.monotonic() - begun:6.0f} s: {posted} receipts, {accidents.killed} of {len(accidents.seen)} workers killed"
            )
            next_line = time.monotonic() + 15
        time.sleep(EVERY)
    taken = scenario.seconds()
    return {
        **_outcome(shop, message["msgid"], users),
        **_figures(scenario.result(users, users / taken), taken, accidents),
    }


def _body(template: int) -> dict[str, Any]:
    app_para = {"platform": "all"}
    return {
        "template_id": template,
        "template_para": {"name": "Ann"},
        "app_para": app_para,
        "option": {"priority": 3},
    }


class Accidents:
    """Kills processes that run functions, as a machine that fails would."""

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
    """The most memory that a process has had so far, in MB; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


def _outcome(shop: Shop, msgid: str, users: int) -> dict[str, Any]:
    """Raises unless everybody got it once."""
    sends = shop.sandbox.sends("jpush")
    again = sum(number > 1 for number in sends.values())
    end = time.monotonic() + 300
    while (told := shop.api.message(msgid))["funnel"]["users"][
        "delivered"
    ] < users and time.monotonic() < end:
        time.sleep(5)
    if (
        len(sends) != users
        or again
        or told["funnel"]["users"]["delivered"] != users
        or not told["balanced"]
    ):
        raise SystemExit(
            f"broadcast: {len(sends)} reached, {again} of them twice; told: {told['funnel']['users']}, {told['losses']}"
        )
    return {
        "users": users,
        "sent twice": again,
        "delivered, as the API says": told["funnel"]["users"]["delivered"],
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
