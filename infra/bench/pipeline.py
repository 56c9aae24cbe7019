"""`make bench N=20000`: the speed, the AWS requests and the dollars of three scenarios.

They run on a stack of their own, with the provider sandbox.
- bulk: N recipients of one app push. Half of the receipts trickle in over two minutes, so that
  recounting is paid for.
- single: N/100 single sends with a strategy of two steps. Half of them escalate.
- plain: N/100 single sends without a strategy.

Results go to docs/explanation/performance.md and .local/bench.json.
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
QUIET = 150  # seconds after the last receipt until every due check and recount is over
# Seconds after a send until its last row in `due` is due: three leases, two widths of the clock.
LATE_CHECK = 55
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
    arguments = parser.parse_args()
    console = Console()
    with alone():
        try:
            description = up(STACK)
            bulk = _bulk(console, description, arguments.recipients)
            few = max(10, arguments.recipients // 100)
            results = {
                "bulk": bulk,
                "single": _single(console, description, few),
                "plain": _plain(console, description, few),
            }
        finally:
            down(STACK)
    console.print("measuring imports")
    imports = bench_imports.ratios()
    report = {name: result.report for name, result in results.items()}
    report["import_ratio"] = {name: imports[name] for name in ("api", "deliver")}
    (LOCAL / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    page.write(report, results, imports, BOUNDS, machine)
    missed = _show(console, report)
    return int(bool(missed) and arguments.strict)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Lock out other benchmarks: two of them on one stack would count each other."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("bench: another benchmark is running here") from None
        yield


class Scenario:
    """The counts of the emulator from the first send to the last receipt."""

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
        """Return the result once everything is over, also the rows that await a sweep."""
        quiet.wait(self.description, QUIET)
        time.sleep(max(0.0, LATE_CHECK - (time.monotonic() - self.accepted)))
        quiet.sweep(self.description)
        quiet.wait(self.description, QUIET)
        counts = quiet.counted(self.description)
        logged = self.log.stat().st_size - self._written
        return Result(recipients, per_second, counts, logged)

    def posted(self, provider: str) -> int:
        """Count the receipts that our webhook has taken, without a request that is counted."""
        return self.shop.sandbox.receipts()[provider]["posted"]


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
    accepted = f"{len(sent)} sends of 1,000 accepted in {scenario.all_accepted():.1f} s"
    console.print(f"bulk: {accepted}. Receipts come for {TRICKLE} s.")
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
    users = []
    for n, userid in enumerate(people):
        # Every second push lacks a receipt, so its user gets an SMS.
        registration_id = f"reg{userid}" + ("-silent" if n % 2 else "")
        users.append(shop.user(userid, app=[registration_id], sms=f"136{n:06d}77"))
    shop.upload(users)
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": WITHIN}},
    )
    template = shop.template(app=APP, sms=SMS)
    return _one_by_one(console, "single", shop, people, template, rule_id=rule)


def _plain(console: Console, description: Mapping[str, Any], recipients: int) -> Result:
    shop = Shop(description, options={"jpush": {"receipt_batch": 1}}, kinds=("app",))
    people = [f"{shop.mark}_{n}" for n in range(recipients)]
    shop.upload([shop.user(userid, app=[f"reg{userid}"]) for userid in people])
    return _one_by_one(console, "plain", shop, people, shop.template(app=APP))


def _one_by_one(
    console: Console, name: str, shop: Shop, people: Sequence[str], template: int, **more: Any
) -> Result:
    """Send to one person after another. Everybody gets one receipt that says delivered."""

    def send(userid: str) -> str:
        return shop.api.send([userid], template, {"name": "Ann"}, **more)

    def posted() -> int:
        return sum(scenario.posted(shop.provider(kind)) for kind in shop.kinds)

    send(people[0])
    time.sleep(LATE_CHECK)
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
    """Exit unless everybody was delivered to, as the figures suppose."""
    delivered = sum(shop.api.message(msgid)["funnel"]["users"]["delivered"] for msgid in sent)
    if delivered != recipients:
        raise SystemExit(f"bench: {delivered} of {recipients} delivered")


def _show(console: Console, report: Mapping[str, Mapping[str, float]]) -> list[str]:
    missed = []
    for scenario, figures in report.items():
        for name, figure in figures.items():
            bound = BOUNDS.get(scenario, {}).get(name)
            verdict = ""
            if bound is not None:
                is_kept = figure <= bound
                verdict = f"   (bound {bound}: {'kept' if is_kept else 'MISSED'})"
                missed += [] if is_kept else [f"{scenario}.{name}"]
            console.print(f"{scenario:13} {name:27} {figure:>10}{verdict}")
    console.print("written: docs/explanation/performance.md, .local/bench.json")
    return missed


if __name__ == "__main__":
    sys.exit(main())
