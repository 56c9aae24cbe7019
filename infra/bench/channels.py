"""`make channels N=500`: what a delivery over each platform costs in AWS requests, by how its receipts come.

Sends N messages over each platform and receipt mode, one after another on a stack that counts as `make bench` does; several such stacks
at once, since most of the time goes by in waiting until nothing is left to do; what a worker sends has one of its own. Writes the section
"Channels" of docs/explanation/performance.md and .local/channels.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rich.console import Console

from chalicelib.domain.delivery_channels import ReceiptMode
from chalicelib.domain.provider_io import ClickReport, DeliveryReport
from chalicelib.providers import registry
from chalicelib.web.egress import Policy
from infra.bench import page, quiet
from infra.bench.cost import Result
from infra.bench.pipeline import Scenario, alone, until
from infra.demo.client import Shop
from infra.demo.platforms import PLATFORMS
from infra.local.stack import LOCAL, Stack, down, up

STAGE = "bench"
STACKS = 4
ANSWER = "answer"  # what it answers is all that is ever known
CONNECTION = "connection"  # they come over the one that a worker keeps
LINKS = "links"  # for each person, where the platform's calls share one content unless somebody wants that
PATIENCE = 180  # seconds until all is sent and reported
POLLED = 130  # seconds within which what is asked of a provider every minute was asked, and asked again without news
VALUES = {"name": "Ann", "url": "https://shop.example/orders/1042"}

INTRODUCTION = """\
`make channels` writes this section. Do not edit it.

One message goes to {deliveries} people over each platform, with its receipts. The table has AWS
requests of functions and event sources per 1,000 deliveries. It also has DynamoDB's write units,
and the dollars for a million, counted as above.

- Contents have a short link where the platform counts clicks by links.
- **A link each.** Some platforms take a hundred or a thousand people in one call. A link for each
  person makes a call for each person there. The table has both. The difference is the price of
  knowing who clicked, beside the provider's own limits of calls.
- Receipts by webhook come in posts as large as the vendor makes them. That is one each with
  `jsms`, `chuanglan` and WeChat, up to 100 with `jpush`, and 500 with `montnets`.
- A polled channel is asked every minute while receipts may be open. About two minutes of that are
  in the figures.
- Several stacks ran at once. So Lambda's share of the dollars is too high rather than too low.
- Platforms that share their code are measured once.
- For `cmpp`, the requests that its worker makes to send are in the figures. Its container is not.
  Neither are its receives from queues, which it makes all the time (12 threads, each for 8 s).

| channel type | platform | receipts | AWS requests per 1,000 | write units per 1,000 | dollars per million |
|---|---|---|---:|---:|---:|
"""


def scenarios() -> list[str]:
    """`jsms:poll`, `wecom:answer`, `wecom:answer:links` …; what two platforms do by the same code, once."""
    found: dict[tuple[str, str], str] = {}
    for platform, able in registry.capabilities().items():
        for mode in _modes(able):
            found.setdefault(
                (type(registry.load(platform, Policy())).__name__, mode), f"{platform}:{mode}"
            )
    return [
        each
        for name in found.values()
        for each in ((name, f"{name}:{LINKS}") if _is_shared(name.split(":")[0]) else (name,))
    ]


def _by_worker(scenario: str) -> bool:
    return registry.capabilities()[scenario.split(":")[0]].worker != ""


def _is_shared(platform: str) -> bool:
    able = registry.capabilities()[platform]
    return able.click_report is ClickReport.LINK and not able.content_per_recipient


def _modes(able: registry.Capabilities) -> Sequence[str]:
    if able.worker:
        return [CONNECTION]
    return (
        [ANSWER]
        if able.delivery_report is DeliveryReport.ACCEPTED
        else sorted(mode.value for mode in able.receipt_modes)
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.channels", description=__doc__)
    parser.add_argument("deliveries", type=int, nargs="?", default=500)
    parser.add_argument("--stack", help="measure on this stack alone, and print what was found")
    parser.add_argument(
        "--only",
        help="platforms with their receipts, separated by commas: jsms:poll,wecom:answer:links",
    )
    given = parser.parse_args()
    wanted = given.only.split(",") if given.only else scenarios()
    if given.stack:
        _measure(
            Stack(given.stack, STAGE, worker=any(map(_by_worker, wanted))), wanted, given.deliveries
        )
        return 0
    console = Console()
    with (
        alone(),
        ThreadPoolExecutor(STACKS + 1) as pool,
        console.status(
            f"{len(wanted)} platforms and ways of their receipts on {STACKS + 1} stacks"
        ),
    ):
        others = [each for each in wanted if not _by_worker(each)]
        parts = [
            *(others[n::STACKS] for n in range(STACKS)),
            [each for each in wanted if _by_worker(each)],
        ]
        found = [
            each
            for part in pool.map(
                _elsewhere, range(len(parts)), parts, [given.deliveries] * len(parts)
            )
            for each in part
        ]
    found.sort(key=lambda each: scenarios().index(each["scenario"]))
    (LOCAL / "channels.json").write_text(json.dumps(found, indent=2) + "\n")
    page.put_section("Channels", section(found, given.deliveries))
    console.print_json(json.dumps(found))
    return int(len(found) < len(wanted))


def _elsewhere(number: int, part: Sequence[str], deliveries: int) -> list[dict[str, Any]]:
    """In a process of its own, since what it asks of AWS goes where its environment says. The stacks start one after another."""
    if not part:
        return []
    time.sleep(20 * number)
    command = [
        sys.executable,
        "-m",
        "infra.bench.channels",
        str(deliveries),
        "--stack",
        f"channels{number}",
        "--only",
        ",".join(part),
    ]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    found: list[dict[str, Any]] = [json.loads(line) for line in ended.stdout.splitlines()]
    return found


def _measure(stack: Stack, wanted: Sequence[str], deliveries: int) -> None:
    """A line for each; what fails ends the rest."""
    try:
        description = up(stack)
        for each in wanted:
            print(
                json.dumps({"scenario": each, **_one(description, deliveries, *each.split(":"))}),
                flush=True,
            )
    finally:
        down(stack)


def _one(
    description: Mapping[str, Any], deliveries: int, platform: str, receipts: str, links: str = ""
) -> dict[str, Any]:
    kind = PLATFORMS[platform].type
    settings: dict[str, Any] = {} if receipts in (ANSWER, CONNECTION) else {"receipts": receipts}
    settings |= {"options": {"track_links": bool(links)}} if _is_shared(platform) else {}
    shop = Shop(description, kinds=(kind,), platforms={kind: platform}, settings={kind: settings})
    people = [f"{shop.mark}_{n}" for n in range(deliveries + 1)]  # the last one is to warm up
    shop.upload(
        [shop.user(userid, **{kind: shop.contact(kind, n)}) for n, userid in enumerate(people)]
    )
    template = shop.template(**shop.contents())
    shop.api.send(people[-1:], template, VALUES)  # so that functions are warm
    quiet.wait(description, PATIENCE)
    before = _reported(shop, kind)
    scenario = Scenario(description, shop)
    sent = [
        shop.api.send(people[start : min(start + 1000, deliveries)], template, VALUES)
        for start in range(0, deliveries, 1000)
    ]
    scenario.all_accepted()
    contacts = {shop.contact(kind, n) for n in range(deliveries)}
    until(
        lambda: len(contacts & shop.sandbox.sends(shop.provider(kind)).keys()) == deliveries,
        PATIENCE,
    )
    if receipts == ReceiptMode.WEBHOOK.value:
        until(lambda: _reported(shop, kind) - before >= deliveries, PATIENCE)
    if receipts == ReceiptMode.POLL.value:
        time.sleep(POLLED)
    result = scenario.result(deliveries, deliveries / scenario.seconds())
    delivered = sum(shop.api.message(msgid)["funnel"]["users"]["delivered"] for msgid in sent)
    if delivered != deliveries:
        raise SystemExit(f"bench: {platform} by {receipts}: {delivered} of {deliveries} delivered")
    shop.close()
    return {
        "type": kind,
        "platform": platform,
        "receipts": f"{receipts}, a link each" if links else receipts,
        **figures(result),
    }


def _reported(shop: Shop, kind: str) -> int:
    return shop.sandbox.receipts().get(shop.provider(kind), {}).get("posted", 0)


def figures(result: Result) -> dict[str, float]:
    return {
        name: result.report[name]
        for name in ("aws_requests_per_1000", "write_units_per_1000", "usd_per_million")
    }


def section(found: Sequence[Mapping[str, Any]], deliveries: int) -> str:
    rows = (
        f"| `{each['type']}` | `{each['platform']}` | {each['receipts']} | {each['aws_requests_per_1000']:,.0f} | "
        f"{each['write_units_per_1000']:,.0f} | {each['usd_per_million']:.2f} |\n"
        for each in found
    )
    return INTRODUCTION.format(deliveries=deliveries) + "".join(rows)


if __name__ == "__main__":
    sys.exit(main())
