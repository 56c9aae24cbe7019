"""`make bench N=20000`: the speed, the AWS requests and the dollars of sending.

The scenarios run on a stack of their own, with the provider sandbox.
- bulk: N recipients of one app push. Half of the receipts trickle in over two minutes, so that
  recounting is paid for.
- single: N/20 single sends with a strategy of two steps. Half of them escalate.
- plain: N/5 single sends without a strategy. A short run would say how late the first ones are.
  Processes also cost most at their start.
- limited: N/20 under a limit of calls a second that is not reached.
- paced: N/20 at the provider's own limit, which is.
- at once, mail and alone: N/100 plain sends under other conditions, 120 alone
  (infra/bench/single_sends.py).
- jsms, chuanglan, wechatoa: N/4 recipients of one message, whose receipts come one by one
  (infra/bench/receipts.py).

Results go to docs/explanation/performance.md and .local/bench.json. `--only plain,mail` runs some
of them, and only prints.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from infra.bench import imports as bench_imports
from infra.bench import page, receipts, single_sends
from infra.bench.cost import Result
from infra.bench.scenario import STACK, Scenario, alone, check, until
from infra.demo.client import Shop
from infra.local.files import LOCAL
from infra.local.stack import down, up

TRICKLE = 120  # seconds over which half of the receipts come
BULK = "bulk"
BY_URLS = "usd_per_million_by_function_urls"
FIGURES = "figures_usd_per_million"  # of single sends and of deliveries, what lists cost besides
BOUNDS = {
    BULK: {
        "aws_requests_per_1000": 90,
        "write_units_per_1000": 175,
        "usd_per_million": 0.25,
        FIGURES: 0.05,
    },
    "single": {
        "aws_requests_per_1000": 11_500,
        "write_units_per_1000": 8_600,
        "usd_per_million": 11.5,
        BY_URLS: 9.0,
        FIGURES: 1.20,
    },
    "plain": {
        "aws_requests_per_1000": 7_000,
        "write_units_per_1000": 5_500,
        "usd_per_million": 7.5,
        BY_URLS: 5.8,
        FIGURES: 1.20,
    },
    "limited": {"aws_requests_per_1000": 5_900, "write_units_per_1000": 5_500},
    "paced": {"aws_requests_per_1000": 7_300, "write_units_per_1000": 5_800},
    "mail": {"aws_requests_per_1000": 6_000, "write_units_per_1000": 5_600},
    "alone": {"aws_requests_per_1000": 10_500},
    "jsms": {"aws_requests_per_1000": 2_100, "usd_per_million": 4.0},
    "chuanglan": {"aws_requests_per_1000": 1_100, "usd_per_million": 3.3},
    "wechatoa": {"aws_requests_per_1000": 3_200, "usd_per_million": 6.6},
    "import_ratio": {"api": 1.6, "deliver": 1.6},
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.pipeline", description=__doc__)
    parser.add_argument("recipients", type=int, nargs="?", default=20_000)
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bound is missed")
    parser.add_argument("--only", help="scenarios, joined by commas")
    arguments = parser.parse_args()
    console = Console()
    all = [BULK, *single_sends.CASES, *receipts.CASES]
    names = arguments.only.split(",") if arguments.only else all
    with alone():
        try:
            results = _run(console, names, arguments.recipients)
        finally:
            down(STACK)
    report = {name: result.report for name, result in results.items()}
    if not arguments.only:
        _write(console, report, results)
    missed = _show(console, report)
    return int(bool(missed) and arguments.strict)


def _run(console: Console, names: list[str], recipients: int) -> dict[str, Result]:
    description = up(STACK)
    results: dict[str, Result] = {}
    for name in names:
        if name == BULK:
            results[name] = _bulk(console, description, recipients)
        elif name in receipts.CASES:
            results[name] = receipts.run(console, description, name, recipients // 4)
        else:
            many = dict.fromkeys(("single", "limited", "paced"), recipients // 20)
            numbers = {**many, "plain": recipients // 5, "alone": single_sends.ALONE}
            number = max(10, numbers.get(name, recipients // 100))
            results[name] = single_sends.run(console, description, name, number)
    return results


def _write(
    console: Console, report: dict[str, dict[str, float]], results: Mapping[str, Result]
) -> None:
    console.print("measuring imports")
    imports = bench_imports.ratios()
    report["import_ratio"] = {name: imports[name] for name in ("api", "deliver")}
    (LOCAL / "bench.json").write_text(json.dumps(report, indent=2) + "\n")
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    page.write(report, results, imports, BOUNDS, machine)
    console.print("written: docs/explanation/performance.md, .local/bench.json")


def _bulk(console: Console, description: Mapping[str, Any], recipients: int) -> Result:
    shop = Shop(
        description,
        options={"jpush": {"receipt_batch": 100, "receipt_wait": 5, "trickle": TRICKLE}},
        kinds=("app",),
    )
    people = [f"{shop.mark}_{n}" for n in range(recipients)]
    console.print(f"bulk: creating {recipients} users (not counted)")
    shop.upload([shop.user(userid, app=[f"reg{userid}"]) for userid in people])
    template = shop.template(app=single_sends.APP)
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
    check(shop, sent, recipients)
    return result


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
    return missed


if __name__ == "__main__":
    sys.exit(main())
