"""docs/explanation/performance.md, from a benchmark's figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from infra.bench import prices
from infra.bench.cost import MEMORY_GB, Result
from infra.package import ROOT

PAGE = ROOT / "docs" / "explanation" / "performance.md"
OTHERS = ("Uploads", "Channels")  # sections of benchmarks of their own, which stay as they are
TRANSITIONS = "Step Functions state transitions"
CORE_GB = 1769 / 1024  # memory for which Lambda gives one whole processor core

INTRODUCTION = """# Performance

Written by `make bench`; do not edit. Measured on the local stack, emulator and provider sandbox on the same two cores ({machine}):
deliveries per second say what this machine does, not what AWS does. Requests, units and dollars do carry over: requests are counted at
the emulator, units computed from the sizes of the items, dollars from both with the prices of {region}, {date}, without free tiers.

- **bulk**: one app push to {bulk} recipients, in sends of 1,000; receipts in arrays of up to 100, half of them trickling in over two
  minutes, so that recounting is paid for.
- **single**: {single} sends to one recipient each, with a strategy of two steps; half of them fall back to SMS.
- **plain**: {plain} app pushes to one recipient each, without a strategy.

Deliveries per second: the first half of the deliveries, from the first send's acceptance to their receipts being recorded. Lambda
milliseconds are this machine's, at {memory} MB. The clock is 10 s wide here (60 s in production), so there are more state transitions per
delivery than there would be.
"""

METHOD = """
## How it is counted

AWS requests are those that the functions make, plus what AWS does by itself: receiving from and deleting on queues for event sources,
batches of the stream, state transitions. The polling of empty queues belongs to the idle cost (`python -m infra.idle_cost`), not here.
Counting ends when nothing is left to do: no tick of the clock to come, every queue empty, and the rows without a tick of their own taken
up by one sweep, as the schedule does. The benchmark's own requests are left out.

Two things depend on how much is sent at once. Messages of a queue that come together share an invocation; if each came alone:
{batches}.

One tick of the clock, four transitions ($0.0001), serves all that is due in a minute: here it makes {transitions} transitions per
1,000 single sends. A send that is alone in its minutes pays for its two ticks by itself, $0.0002, so that
single sends stay within the bound from {needed} a minute on. With fewer, the clock costs at most ${minutes:.2f} in a month.

Lambda gives {memory} MB less than a third of a processor core (a whole one at 1,769 MB). Were everything that is measured here computing
time of a whole core, it would take {slower:.1f} times as long there: {slow} for the bulk, {slow_single} for single sends, {slow_plain} for
plain ones, instead of what the tables say. Storage, data transfer and the providers' own prices are not in here.
Where this beats one item per fact: a call's answer is one item that holds the facts of all its deliveries, and so is what one webhook
said of a page, so that a bulk delivery with its receipt costs a small fraction of a write unit instead of two.

| provider's receipts | what a delivery adds |
|---|---|
| an id per call (JPush), receipts in arrays | next to nothing: one lookup per call, one item per array and page |
| an id per recipient and part (CMPP) | a lookup for each part, two if `group_ids` is `both`; a part of several is parked besides |
| an id per recipient (JSMS) | one lookup of one write unit: $0.63 per million; a webhook call each: about $5 per million |
| accepted means delivered (SMTP) | nothing: the answer says both |
"""


def write(
    report: Mapping[str, Mapping[str, float]],
    results: Mapping[str, Result],
    imports: Mapping[str, float],
    bounds: Mapping[str, Mapping[str, float]],
    machine: str,
) -> None:
    sizes = {name: f"{result.recipients:,}" for name, result in results.items()}
    head = INTRODUCTION.format(
        machine=machine,
        region=prices.REGION,
        date=prices.DATE,
        memory=round(MEMORY_GB * 1024),
        **sizes,
    )
    parts = [head, _figures(report, bounds), _imports(imports, bounds["import_ratio"])]
    parts += [_scenario(name, result) for name, result in results.items()]
    others = [_section(title) for title in OTHERS]
    PAGE.write_text("".join([*parts, _method(results, bounds), *others]))


def put_section(title: str, text: str) -> None:
    """A section of a benchmark of its own, at the page's end; in place of the one that is there."""
    page = PAGE.read_text() if PAGE.is_file() else ""
    PAGE.write_text(page.replace(_section(title), "").rstrip("\n") + f"\n\n## {title}\n\n{text}")


def _section(title: str) -> str:
    """As it stands on the page; empty where it does not."""
    page = PAGE.read_text() if PAGE.is_file() else ""
    _, found, rest = page.partition(f"\n## {title}\n")
    return found + rest.partition("\n## ")[0] if found else ""


def _method(results: Mapping[str, Result], bounds: Mapping[str, Mapping[str, float]]) -> str:
    single = results["single"]
    rest = single.dollars_alone - single.dollars[TRANSITIONS]
    tick = 4 * prices.PER_MILLION[TRANSITIONS]  # of one, for a million of them
    slower = CORE_GB / MEMORY_GB
    return METHOD.format(
        batches="; ".join(
            f"{name} ${r.dollars_alone:.2f} instead of ${sum(r.dollars.values()):.2f}"
            for name, r in results.items()
        ),
        transitions=single.report["state_transitions_per_1000"],
        needed=math.ceil(2 * tick / max(1.0, bounds["single"]["usd_per_million"] - rest)),
        minutes=60 * 24 * 30 * tick / 1e6,
        memory=round(MEMORY_GB * 1024),
        slower=slower,
        slow=_slow(results["bulk"], slower),
        slow_single=_slow(single, slower),
        slow_plain=_slow(results["plain"], slower),
    )


def _slow(result: Result, slower: float) -> str:
    return f"${sum(result.dollars.values()) + (slower - 1) * result.dollars['Lambda duration']:.2f}"


def _figures(
    report: Mapping[str, Mapping[str, float]], bounds: Mapping[str, Mapping[str, float]]
) -> str:
    scenarios = [
        name for name in report if name in bounds and "aws_requests_per_1000" in report[name]
    ]
    rows = [
        "\n| |"
        + "".join(f" {name} | bound |" for name in scenarios)
        + "\n|---|"
        + "---:|---:|" * len(scenarios)
        + "\n"
    ]
    for name in report["bulk"]:
        cells: list[Any] = [name.replace("_", " ")]
        for scenario in scenarios:
            cells += [f"{report[scenario][name]:,}", bounds[scenario].get(name, "")]
        rows.append("| " + " | ".join(str(c) for c in cells) + " |\n")
    return "".join(rows)


def _imports(imports: Mapping[str, float], bounds: Mapping[str, float]) -> str:
    return (
        "\n## Imports\n\nCPU time of importing a function's modules in the deployed package with tracing on, AWS adapters and\n"
        f"boto3 included, as a multiple of `import boto3` ({imports['boto3_ms']} ms here): the API {imports['api']},\n"
        f"a delivery function {imports['deliver']} (bound {bounds['api']}).\n"
    )


def _scenario(name: str, result: Result) -> str:
    steps = "".join(
        f"| {step} | {result.per_1000(n)} |\n"
        for step, n in sorted(result.requests_by_step.items(), key=lambda x: -x[1])
        if n
    )
    services = "".join(
        f"| {service} {operation} | {result.per_1000(n)} |\n"
        for service, operations in sorted(result.counts["requests"].items())
        for operation, n in sorted(operations.items())
    )
    quantities = result.quantities | {
        "Lambda duration": result.lambda_gb_seconds,
        "CloudWatch logs": result.logged / 1e6,
    }
    units = {"Lambda duration": " GB·s", "CloudWatch logs": " MB"}
    costs = "".join(
        f"| {part} | {quantities[part] / result.recipients * 1000:.1f}{units.get(part, '')} | {dollars:.3f} |\n"
        for part, dollars in sorted(result.dollars.items(), key=lambda x: -x[1])
    )
    return (
        f"\n## {name}\n\n| AWS requests by step | per 1,000 |\n|---|---:|\n{steps}"
        f"\n| AWS requests by service | per 1,000 |\n|---|---:|\n{services}"
        f"\n| billed | per 1,000 | $ per million deliveries |\n|---|---:|---:|\n{costs}"
        f"| **all** | | **{sum(result.dollars.values()):.3f}** |\n"
    )
