"""`make bench N=20000`: how fast, how many AWS requests, and what it would cost.

Three scenarios on a stack of their own, with the provider sandbox: N recipients of one app push (half of the receipts trickle in over
two minutes, so that recounting is paid for), N/100 single sends with a strategy of two steps, half of which fall back, and as many plain
ones without a strategy. Writes docs/explanation/performance.md and .local/bench.json.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from infra.bench import imports as bench_imports
from infra.bench import page, quiet
from infra.bench.cost import Result
from infra.demo.client import Shop
from infra.local.stack import LOCAL, Stack, down, up

STACK = Stack("bench", "bench", worker=False)
TRICKLE = 120  # seconds over which half of the receipts come
WITHIN = 15  # seconds that the strategy's second step waits
QUIET = 150  # seconds after the last receipt within which every look and recount that is due must be over
LATE_LOOK = 55  # seconds after a send: its last row in `due` has come due (three leases and two widths of the clock)
SENDERS = 4
BOUNDS = {
    "bulk": {"aws_requests_per_1000": 130, "usd_per_million": 1.50},
    "single": {"usd_per_million": 35},
    "plain": {"usd_per_million": 25},
    "import_ratio": {"api": 2.2, "deliver": 2.2},
}
APP = {"title": "Hello {{name}}", "alert": "Your order is on its way"}
SMS = {"sign_id": 1, "temp_id": 1, "temp_para": {"name": "{{name}}"}}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.pipeline", description=__doc__)
    parser.add_argument("recipients", type=int, nargs="?", default=20_000)
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bound is missed")
    given = parser.parse_args()
    console = Console()
    with alone():
        try:
            description = up(STACK)
            bulk = _bulk(console, description, given.recipients)
            few = max(10, given.recipients // 100)
            results = {
                "bulk": bulk,
                "single": _single(console, description, few),
                "plain": _plain(console, description, few),
            }
        finally:
            down(STACK)
    console.print("measuring imports")
    imports = bench_imports.ratios()
    report = {name: each.report for name, each in results.items()} | {
        "import_ratio": {k: imports[k] for k in ("api", "deliver")}
    }
    (LOCAL / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    page.write(report, results, imports, BOUNDS, machine)
    missed = _show(console, report)
    return int(bool(missed) and given.strict)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Two benchmarks on one stack would count each other."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("bench: another one is running here") from None
        yield


class Scenario:
    """Counts at the emulator from the first send to the last receipt."""

    def __init__(self, description: Mapping[str, Any], shop: Shop) -> None:
        self.description, self.shop = description, shop
        self.log = LOCAL / description["name"] / "functions.log"
        self._written = self.log.stat().st_size
        requests.delete(description["emulator_url"] + "/_openums/counts", timeout=10)
        self.begun = self.accepted = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def all_accepted(self) -> float:
        self.accepted = time.monotonic()
        return self.seconds()

    def result(self, recipients: int, per_second: float) -> Result:
        """When everything is over: also what waits for the sweep that a schedule makes."""
        quiet.wait(self.description, QUIET)
        time.sleep(max(0.0, LATE_LOOK - (time.monotonic() - self.accepted)))
        quiet.sweep(self.description)
        quiet.wait(self.description, QUIET)
        return Result(
            recipients,
            per_second,
            quiet.counted(self.description),
            self.log.stat().st_size - self._written,
        )

    def posted(self, provider: str) -> int:
        """Receipts that our webhook has taken, so that asking for progress costs nothing that is counted."""
        return int(
            requests.get(self.shop.sandbox.url + "/_sandbox/receipts", timeout=10).json()[provider][
                "posted"
            ]
        )


def until(is_over: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_over():
        if time.monotonic() > end:
            raise SystemExit(f"bench: not over within {seconds:.0f} s")
        time.sleep(0.2)


def _bulk(console: Console, description: Mapping[str, Any], recipients: int) -> Result:
    shop = Shop(
        description,
        options={"jpush": {"receipt_batch": 100, "receipt_wait": 5, "trickle": TRICKLE}},
        kinds=("app",),
    )
    people = [f"{shop.mark}_{n}" for n in range(recipients)]
    console.print(f"bulk: creating {recipients} users (not counted)")
    shop.upload([shop.user(userid, app=[f"reg{userid}"]) for userid in people])
    template = shop.template(app=APP)
    before = Scenario(description, shop).posted("jpush")
    scenario = Scenario(description, shop)
    sent = [
        shop.api.send(people[start : start + 1000], template, {"name": "Ann"})
        for start in range(0, recipients, 1000)
    ]
    console.print(
        f"bulk: {len(sent)} sends of 1,000 accepted in {scenario.all_accepted():.1f} s; receipts come for {TRICKLE} s"
    )
    until(lambda: scenario.posted("jpush") - before >= recipients // 2, 300)
    half = scenario.seconds()
    until(lambda: scenario.posted("jpush") - before >= recipients, 300 + TRICKLE)
    result = scenario.result(recipients, recipients / 2 / half)
    _check(shop, sent, recipients)
    return result


def _single(console: Console, description: Mapping[str, Any], recipients: int) -> Result:
    # A provider reports single pushes one by one: each receipt is a post of its own.
    shop = Shop(
        description,
        options={"jpush": {"receipt_batch": 1}, "jsms": {"receipt_batch": 1}},
        kinds=("app", "sms"),
    )
    people = [f"{shop.mark}_{n}" for n in range(recipients)]
    # Every second push gets no receipt, and its user an SMS.
    shop.upload(
        [
            shop.user(u, app=[f"reg{u}" + ("-silent" if n % 2 else "")], sms=f"136{n:06d}77")
            for n, u in enumerate(people)
        ]
    )
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": WITHIN}},
    )
    return _one_by_one(
        console, "single", shop, people, shop.template(app=APP, sms=SMS), rule_id=rule
    )


def _plain(console: Console, description: Mapping[str, Any], recipients: int) -> Result:
    shop = Shop(description, options={"jpush": {"receipt_batch": 1}}, kinds=("app",))
    people = [f"{shop.mark}_{n}" for n in range(recipients)]
    shop.upload([shop.user(userid, app=[f"reg{userid}"]) for userid in people])
    return _one_by_one(console, "plain", shop, people, shop.template(app=APP))


def _one_by_one(
    console: Console, name: str, shop: Shop, people: Sequence[str], template: int, **more: Any
) -> Result:
    """A send for each; everybody gets one receipt that says delivered."""

    def send(userid: str) -> str:
        return shop.api.send([userid], template, {"name": "Ann"}, **more)

    def posted() -> int:
        return sum(scenario.posted(shop.provider(kind)) for kind in shop.kinds)

    send(people[0])
    time.sleep(LATE_LOOK)
    quiet.sweep(shop.stack)
    quiet.wait(shop.stack, QUIET)  # functions are warm and idle
    scenario = Scenario(shop.stack, shop)
    before = posted()
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = list(pool.map(send, people))
    console.print(f"{name}: {len(people)} sends accepted in {scenario.all_accepted():.1f} s")
    until(lambda: posted() - before >= len(people) // 2, 120)
    half = scenario.seconds()
    until(lambda: posted() - before >= len(people), 240)
    result = scenario.result(len(people), len(people) / 2 / half)
    _check(shop, sent, len(people))
    return result


def _check(shop: Shop, sent: Sequence[str], recipients: int) -> None:
    """What was measured is what was meant: everybody was delivered to."""
    delivered = sum(shop.api.message(msgid)["funnel"]["users"]["delivered"] for msgid in sent)
    if delivered != recipients:
        raise SystemExit(f"bench: {delivered} of {recipients} delivered")


def _show(console: Console, report: Mapping[str, Mapping[str, float]]) -> list[str]:
    missed = []
    for scenario, figures in report.items():
        for name, figure in figures.items():
            bound = BOUNDS.get(scenario, {}).get(name)
            verdict = (
                ""
                if bound is None
                else f"   (bound {bound}: {'kept' if figure <= bound else 'MISSED'})"
            )
            missed += [f"{scenario}.{name}"] if bound is not None and figure > bound else []
            console.print(f"{scenario:13} {name:27} {figure:>10}{verdict}")
    console.print(
        f"written: {Path('docs/explanation/performance.md')}, {Path('.local/bench.json')}"
    )
    return missed


if __name__ == "__main__":
    sys.exit(main())
