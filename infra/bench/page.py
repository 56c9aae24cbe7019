"""Write docs/explanation/performance.md from a benchmark's figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from infra.bench import prices, receipts
from infra.bench.cost import MEMORY_GB, Result
from infra.package import ROOT

PAGE = ROOT / "docs" / "explanation" / "performance.md"
OTHERS = ("Uploads", "Channels", "Fairness")  # sections that other benchmarks write
TRANSITIONS = "Step Functions state transitions"
TICK = 2  # transitions of an execution of the clock, one for each of its states
FIGURES = "figures_"  # begins the names of what figures and lists of messages cost
CORE_GB = 1769 / 1024  # the memory with one whole processor core in Lambda

INTRODUCTION = """# Performance

`make bench` writes this page. Do not edit it.

The figures come from the local stack. Emulator and provider sandbox ran on the same two cores
({machine}).

- **Deliveries per second** say what this machine does, not what AWS does. A Python whose build was
  optimized by profiles, as that of Debian, is a fifth faster here than one that pyenv has built.
- **Requests, units and dollars** do carry over to AWS. Requests are counted at the emulator.
  Units are computed from the sizes of the items. Dollars follow from both.
- **Prices** are those of {region}, {date}, without free tiers.

These are the scenarios:

- **bulk**: one app push to {bulk} recipients, in sends of 1,000. Receipts come in arrays of up to
  100. Half of them trickle in over two minutes, so that recounting is paid for.
- **single**: {single} sends to one recipient each, with a strategy of two steps. Half of them
  escalate to SMS.
- **plain**: {plain} app pushes to one recipient each, without a strategy. As for `single`, each
  receipt is a request of its own, one second later.
- **at once**: the same with receipts within a millisecond, before the submission is recorded. A
  job looks for their submissions four seconds later.
- **limited**: the same under a limit of 500 calls a second, which is not reached. Each send takes a
  turn, and none waits for it.
- **paced**: the same at the provider's own limit of calls a second, which the senders exceed by
  far.
- **mail**: mails from a template of 20 KB.
- **alone**: app pushes that are alone in their second, so that nothing shares an invocation.
- **jsms**, **chuanglan** and **wechatoa**: one message to {jsms} recipients each over these
  platforms. Their vendors post each receipt by itself, after all is sent.

`usd per million by function urls` is without API Gateway: `SendersUrl` and `ReceiptsUrl` are on.
`usd per million traced` adds what X-Ray costs if it traces every invocation, as it does with few
sends. It is off by default (`Tracing`).

The tables "figures of" have what [figures](ledger.md#figures) and lists of messages cost. They are
parts of the numbers above. Their write units are those of their own items. A function that works
for them and for others is shared out by its requests to DynamoDB.

A number in brackets is a bound. `make bench` fails with `--strict` if it is exceeded.

Deliveries per second are measured from the acceptance of the first send until the last receipt is
recorded. In `bulk` and `single` they are those of the first half, since the others come later.
Where receipts come one by one, they are measured from the first receipt on.
Lambda milliseconds are those of this machine, at {memory} MB.
Records of streams gather for five seconds, as in production (`BatchingWindow`).
The clock is 10 s wide here and 60 s in production. So there are more state transitions and more
recounts per delivery here.
"""

METHOD = """
## Floor and distance

These are the requests of a plain send. `b` is the number of jobs that a function gets at once. It
is up to 10 in production, up to 5 for priority 1, and 1 if little is sent. The floor is what would
be left with `b` of 10, whatever else is done.

| request | now | floor | why it cannot go away |
|---|---:|---:|---|
| accept: put the message | 1 | 1 | an accepted message must be readable and withdrawable at once |
| accept: queue its job | 1 | 1 | priorities and tenants have queues and groups of their own |
| settings, limit of requests | 0.2 to 0.4 | 0.1 | both are cached, for ten seconds at most |
| receive and delete the job | 2/b | 0.2 | |
| read message and user | 1/b | 0.1 | |
| claim the call, with the plan | 1 | 1 | without it a crash would send it twice |
| record answer, lookup, timer | 1/b | 0.1 | |
| look for parked receipts | 0 | 0 | only after two seconds, or a second attempt |
| list of messages | 0.02 to 0.5 | 0.02 | |
| receipt: find its delivery | 1 | 0 | it could be stored beside its lookup instead |
| receipt: store it | 1 | 1 | a provider posts it once |

Under a rate limit, the sends of a batch reserve their turns with one request, which adds 1/b. A
send that must wait for its turn passes through its queue twice. The first time adds 3/b more:
receive, send back, delete. Nothing is read or claimed for it then.

A send with a second step adds a query of its chunk and the entrants of those who go on. For them
it adds the reading, the claim and the records once more. Its timer is in a row with those of the
sends that were recorded with it. So it adds 2/b write units, for the row and its deletion.

## How it is counted

AWS requests are the requests of the functions, and those that AWS makes by itself. AWS receives
from queues and deletes on them for event sources, reads batches of streams, and makes state
transitions.
Polling an empty queue belongs to the idle cost (`python -m infra.idle_cost`), not here. So does the
function that runs each minute.

Counting ends when nothing is left to do. No tick of the clock is to come, and every queue is
empty. The rows without a tick of their own were taken up by one sweep, as the schedule does it.
The benchmark's own requests are left out.

**How much is sent at once.** Two things depend on it. Messages of a queue that come together share
an invocation. If each came alone, the dollars would be:

{batches}

One tick of the clock is two transitions ($0.00005). It serves all that is due in a minute.
Here it makes {transitions} transitions per 1,000 single sends.
If a minute has only one send, the whole tick is a cost of this send.
{within}
With fewer, the clock costs at most ${minutes:.2f} in a month.

**A slower processor.** With {memory} MB, Lambda gives less than a third of a processor core. It
gives a whole one at 1,769 MB. Assume that everything measured here were computing time of a whole
core. Then it would take {slower:.1f} times as long there. The dollars would be {slow} for the
bulk, {slow_single} for single sends and {slow_plain} for plain ones.

Storage, data transfer and the providers' own prices are not in these figures.

**Bundled facts.** A call's answer is one item that holds the facts of all its deliveries. What one
webhook says of a chunk is one item too. So a bulk delivery with its receipt costs a small fraction
of a write unit. With one item per fact it would cost two.

| provider's receipts | what a delivery adds |
|---|---|
| an id per call (JPush), arrays | next to nothing: a lookup per call, an item per array and chunk |
| an id per recipient and part (CMPP) | a lookup for each part, two if `group_ids` is `both` |
| an id per recipient (JSMS) | one lookup of one write unit: $0.63 per million |
| accepted means delivered (SMTP) | nothing: the answer says both |

One part of several (CMPP) is parked too. A webhook call for each recipient (JSMS, Chuanglan) adds
about $2.50 per million.
"""


def write(
    report: Mapping[str, Mapping[str, float]],
    results: Mapping[str, Result],
    imports: Mapping[str, float],
    bounds: Mapping[str, Mapping[str, float]],
    machine: str,
    path: Path = PAGE,
) -> None:
    sizes = {name: f"{result.recipients:,}" for name, result in results.items()}
    head = INTRODUCTION.format(
        machine=machine,
        region=prices.REGION,
        date=prices.DATE,
        memory=round(MEMORY_GB * 1024),
        **sizes,
    )
    one_by_one = {name: figures for name, figures in report.items() if name in receipts.CASES}
    others = {name: figures for name, figures in report.items() if name not in one_by_one}
    parts = [head, _figures(others, bounds), "\nReceipts that come one by one:\n"]
    parts += [_figures(one_by_one, bounds), _imports(imports, bounds["import_ratio"])]
    parts += [_scenario(name, result) for name, result in results.items()]
    sections = [_section(title, path) for title in OTHERS]
    path.write_text("".join([*parts, _method(results, bounds), *sections]))


def put_section(title: str, text: str, path: Path = PAGE) -> None:
    """Write another benchmark's section to the end of the page, instead of its earlier one."""
    page = path.read_text() if path.is_file() else ""
    others = page.replace(_section(title, path), "").rstrip("\n")
    path.write_text(f"{others}\n\n## {title}\n\n{text}")


def _section(title: str, path: Path) -> str:
    """Return a section of the present page, empty if it has none."""
    page = path.read_text() if path.is_file() else ""
    _, heading, rest = page.partition(f"\n## {title}\n")
    return heading + rest.partition("\n## ")[0] if heading else ""


def _method(results: Mapping[str, Result], bounds: Mapping[str, Mapping[str, float]]) -> str:
    single = results["single"]
    rest = single.dollars_alone - single.dollars[TRANSITIONS]
    tick = TICK * prices.PER_MILLION[TRANSITIONS]  # dollars of a million ticks
    slower = CORE_GB / MEMORY_GB
    batches = [
        f"- {name} ${result.dollars_alone:.2f} instead of ${sum(result.dollars.values()):.2f}"
        for name, result in results.items()
    ]
    return METHOD.format(
        batches="\n".join(batches),
        transitions=single.report["state_transitions_per_1000"],
        within=within(bounds["single"]["usd_per_million"] - rest, tick),
        minutes=60 * 24 * 30 * tick / 1e6,
        memory=round(MEMORY_GB * 1024),
        slower=slower,
        slow=_slow(results["bulk"], slower),
        slow_single=_slow(single, slower),
        slow_plain=_slow(results["plain"], slower),
    )


def within(spare: float, tick: float) -> str:
    """Say from which rate on sends that come alone stay within their bound.

    `spare` is what the bound leaves for ticks of the clock, in dollars of a million sends.
    """
    if spare <= 0:
        return "So single sends that come alone exceed the bound at any rate."
    return f"So single sends stay within the bound from {math.ceil(tick / spare):,} a minute on."


def _slow(result: Result, slower: float) -> str:
    return f"${sum(result.dollars.values()) + (slower - 1) * result.dollars['Lambda duration']:.2f}"


def _figures(
    report: Mapping[str, Mapping[str, float]], bounds: Mapping[str, Mapping[str, float]]
) -> str:
    """Return a table with a row for each scenario, and one of what figures and lists cost."""
    scenarios = [name for name in report if "aws_requests_per_1000" in report[name]]
    columns = list(report[scenarios[0]])
    own = [name for name in columns if name.startswith(FIGURES)]
    text = ""
    for names in ([name for name in columns if name not in own], own):
        titles = [name.removeprefix(FIGURES).replace("_", " ") for name in names]
        first = "figures of" if names is own else "scenario"
        text += f"\n| {first} | " + " | ".join(titles) + " |\n|---|" + "---:|" * len(names) + "\n"
        for scenario in scenarios:
            kept = bounds.get(scenario, {})
            cells = [_cell(report[scenario][name], kept.get(name)) for name in names]
            text += f"| {scenario} | " + " | ".join(cells) + " |\n"
    return text


def _cell(figure: float, bound: float | None) -> str:
    return f"{figure:,}" if bound is None else f"{figure:,} ({bound:,})"


def _imports(imports: Mapping[str, float], bounds: Mapping[str, float]) -> str:
    return (
        "\n## Imports\n\n"
        "A function imports its modules when it starts. Their CPU time is measured in the"
        " deployed\n"
        "package, AWS adapters and boto3 included. The environment is that of a deployment with"
        " the\n"
        "template's defaults. So tracing is off, and X-Ray's SDK is not imported.\n"
        f"As a multiple of `import boto3` ({imports['boto3_ms']} ms here), it is {imports['api']}"
        " for the API\n"
        f"and {imports['deliver']} for a delivery function. The bound is {bounds['api']}.\n"
    )


def _scenario(name: str, result: Result) -> str:
    steps = "".join(
        f"| {step} | {result.per_1000(number)} |\n"
        for step, number in sorted(result.requests_by_step.items(), key=lambda item: -item[1])
        if number
    )
    services = ""
    for service, operations in sorted(result.counts["requests"].items()):
        for operation, number in sorted(operations.items()):
            services += f"| {service} {operation} | {result.per_1000(number)} |\n"
    quantities = result.quantities | {
        "Lambda duration": result.lambda_gb_seconds,
        "CloudWatch logs": result.logged / 1e6,
    }
    units = {"Lambda duration": " GB·s", "CloudWatch logs": " MB"}
    costs = ""
    for part, dollars in sorted(result.dollars.items(), key=lambda item: -item[1]):
        quantity = f"{quantities[part] / result.recipients * 1000:.1f}{units.get(part, '')}"
        costs += f"| {part} | {quantity} | {dollars:.3f} |\n"
    return (
        f"\n## {name}\n\n| AWS requests by step | per 1,000 |\n|---|---:|\n{steps}"
        f"\n| AWS requests by service | per 1,000 |\n|---|---:|\n{services}"
        f"\n| billed | per 1,000 | $ per million deliveries |\n|---|---:|---:|\n{costs}"
        f"| **all** | | **{sum(result.dollars.values()):.3f}** |\n"
    )
