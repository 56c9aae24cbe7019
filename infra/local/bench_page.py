"""docs/performance.md, from a benchmark's figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local import prices
from infra.local.bench_cost import MEMORY_GB, Result
from infra.package import ROOT

PAGE = ROOT / "docs" / "performance.md"

INTRODUCTION = """# Performance

Written by `make bench`; do not edit. Measured on the local stack, emulator and provider sandbox on the same two cores ({machine}):
deliveries per second say what this machine does, not what AWS does. Requests, units and dollars do carry over: requests are counted at
the emulator, units computed from the sizes of the items, dollars from both with the prices of {region}, {date}, without free tiers.

- **bulk**: one app push to {bulk} recipients, in sends of 1,000; receipts in arrays of up to 100, half of them trickling in over two
  minutes, so that recounting is paid for.
- **single**: {single} sends to one recipient each, with a strategy of two steps; half of them fall back to SMS.

Deliveries per second: the first half of the deliveries, from the first send's acceptance to their receipts being recorded. Lambda
milliseconds are this machine's, at {memory} MB. The clock is 10 s wide here (60 s in production), so there are more state transitions per
delivery than there would be.
"""

METHOD = """
## How it is counted

AWS requests are those that the functions make, plus what AWS does by itself: receiving from and deleting on queues for event sources,
batches of the stream, state transitions. The polling of empty queues belongs to the idle cost (`python -m infra.idle_cost`), not here.
Where this beats one item per fact: a call's answer is one item that holds the facts of all its deliveries, and so is what one webhook
said of a page, so that a bulk delivery with its receipt costs a small fraction of a write unit instead of two.

| provider's receipts | what a delivery adds |
|---|---|
| an id per call (JPush), receipts in arrays | next to nothing: one lookup per call, one item per array and page |
| an id per recipient (JSMS) | one lookup of one write unit: $0.63 per million; a webhook call each: about $4.30 per million |
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
    head = INTRODUCTION.format(machine=machine, region=prices.REGION, date=prices.DATE, memory=round(MEMORY_GB * 1024), **sizes)
    parts = [head, _figures(report, bounds), _imports(imports, bounds["import_ratio"])]
    parts += [_scenario(name, result) for name, result in results.items()]
    PAGE.write_text("".join([*parts, METHOD]))


def _figures(report: Mapping[str, Mapping[str, float]], bounds: Mapping[str, Mapping[str, float]]) -> str:
    rows = ["\n| | bulk | bound | single | bound |\n|---|---:|---:|---:|---:|\n"]
    for name in report["bulk"]:
        cells: list[Any] = [name.replace("_", " ")]
        for scenario in ("bulk", "single"):
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
    steps = "".join(f"| {step} | {result.per_1000(n)} |\n" for step, n in sorted(result.requests_by_step.items(), key=lambda x: -x[1]) if n)
    services = "".join(
        f"| {service} {operation} | {result.per_1000(n)} |\n"
        for service, operations in sorted(result.counts["requests"].items())
        for operation, n in sorted(operations.items())
    )
    quantities = result.quantities | {"Lambda duration": result.lambda_gb_seconds, "CloudWatch logs": result.log_bytes / 1e6}
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
