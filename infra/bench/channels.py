"""`make channels N=500`: the AWS requests of a delivery over each platform and receipt mode.

The benchmark sends N messages over each platform and receipt mode, one scenario after another.
Several stacks run at once, because most of the time passes in waiting for quiet.
Platforms with a worker have a stack of their own. A stack counts as `make bench` does.
Results go to the section "Channels" of docs/explanation/performance.md and .local/channels.json.
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
from infra.bench.scenario import VALUES, Scenario, alone, until
from infra.bench.single_sends import LATER
from infra.demo.client import Shop
from infra.demo.platforms import PLATFORMS
from infra.local.files import LOCAL, Stack
from infra.local.stack import down, up

STAGE = "bench"
STACKS = 4
ANSWER = "answer"  # the answer to the call is the only report
CONNECTION = "connection"  # receipts come over the worker's connection
LINKS = "links"  # a link for each person, on platforms whose calls otherwise share one content
PATIENCE = 180  # seconds until all is sent and reported
POLLED = 130  # seconds for two polls a minute apart, the second without news
WARM = 5  # people of a message that warms up: functions, and what CMPP learns of a gateway's ids

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
- Webhooks come a second after their delivery, as with single sends. A receipt that is earlier than
  the record of its submission takes a request more.
- A polled channel is asked every minute while receipts may be open. About two minutes of that are
  in the figures.
- Several stacks ran at once. So Lambda's share of the dollars is too high rather than too low.
- Platforms that share their code are measured once.
- For `cmpp`, the requests that its worker makes to send are in the figures. Its container is not.
  Neither are its receives from queues, which it makes all the time (12 threads, each for 8 s).

| channel type | platform | receipts | AWS requests per 1,000 | write units per 1,000 | dollars \
per million |
|---|---|---|---:|---:|---:|
"""


def scenarios() -> list[str]:
    """Return `jsms:poll`, `wecom:answer:links` … Platforms of one class are measured once."""
    measured: set[tuple[str, str]] = set()
    names: list[str] = []
    for platform, capabilities in registry.capabilities().items():
        implementation = type(registry.load(platform, Policy())).__name__
        for mode in _modes(capabilities):
            if (implementation, mode) not in measured:
                measured.add((implementation, mode))
                names.append(f"{platform}:{mode}")
                if _is_shared(platform):
                    names.append(f"{platform}:{mode}:{LINKS}")
    return names


def _by_worker(scenario: str) -> bool:
    return registry.capabilities()[scenario.split(":")[0]].worker != ""


def _is_shared(platform: str) -> bool:
    capabilities = registry.capabilities()[platform]
    by_links = capabilities.click_report is ClickReport.LINK
    return by_links and not capabilities.content_per_recipient


def _modes(capabilities: registry.Capabilities) -> Sequence[str]:
    if capabilities.worker:
        return [CONNECTION]
    if capabilities.delivery_report is DeliveryReport.ACCEPTED:
        return [ANSWER]
    return sorted(mode.value for mode in capabilities.receipt_modes)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.channels", description=__doc__)
    parser.add_argument("deliveries", type=int, nargs="?", default=500)
    parser.add_argument("--stack", help="measure on this stack alone, and print the results")
    parser.add_argument(
        "--only",
        help="platforms with their receipt modes, by comma: jsms:poll,wecom:answer:links",
    )
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else scenarios()
    if arguments.stack:
        stack = Stack(arguments.stack, STAGE, worker=any(map(_by_worker, names)))
        _measure(stack, names, arguments.deliveries)
        return 0
    console = Console()
    with (
        alone(),
        console.status(f"{len(names)} platforms and receipt modes on {STACKS + 1} stacks"),
    ):
        results = _measure_all(names, arguments.deliveries)
    results.sort(key=lambda result: scenarios().index(result["scenario"]))
    (LOCAL / "channels.json").write_text(json.dumps(results, indent=2) + "\n")
    page.put_section("Channels", section(results, arguments.deliveries))
    console.print_json(json.dumps(results))
    return int(len(results) < len(names))


def _measure_all(names: Sequence[str], deliveries: int) -> list[dict[str, Any]]:
    """Spread the scenarios over stacks. Platforms with a worker share the last stack."""
    others = [name for name in names if not _by_worker(name)]
    parts = [others[number::STACKS] for number in range(STACKS)]
    parts.append([name for name in names if _by_worker(name)])
    results: list[dict[str, Any]] = []
    with ThreadPoolExecutor(STACKS + 1) as pool:
        for part in pool.map(_elsewhere, range(len(parts)), parts, [deliveries] * len(parts)):
            results += part
    return results


def _elsewhere(number: int, part: Sequence[str], deliveries: int) -> list[dict[str, Any]]:
    """Run scenarios in a subprocess, so that its AWS endpoint variables do not affect this one.

    The stacks start 20 s apart.
    """
    if not part:
        return []
    time.sleep(20 * number)
    command = [sys.executable, "-m", "infra.bench.channels", str(deliveries)]
    command += ["--stack", f"channels{number}", "--only", ",".join(part)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def _measure(stack: Stack, names: Sequence[str], deliveries: int) -> None:
    """Print a line for each scenario. A failure ends the rest."""
    try:
        description = up(stack)
        for name in names:
            result = _measure_one(description, deliveries, *name.split(":"))
            print(json.dumps({"scenario": name, **result}), flush=True)
    finally:
        down(stack)


def _measure_one(
    description: Mapping[str, Any], deliveries: int, platform: str, receipts: str, links: str = ""
) -> dict[str, Any]:
    kind, shop = PLATFORMS[platform].type, _shop(description, platform, receipts, links)
    people = [f"{shop.mark}_{n}" for n in range(deliveries + WARM)]
    shop.upload(
        [shop.user(userid, **{kind: shop.contact(kind, n)}) for n, userid in enumerate(people)]
    )
    template = shop.template(**shop.contents())
    shop.api.send(people[deliveries:], template, VALUES)
    quiet.wait(description, PATIENCE)
    before = _reported(shop, kind)
    scenario = Scenario(description, shop)
    sent = [
        shop.api.send(people[start : min(start + 1000, deliveries)], template, VALUES)
        for start in range(0, deliveries, 1000)
    ]
    scenario.all_accepted()
    _await_receipts(shop, kind, receipts, deliveries, before)
    result = scenario.result(deliveries, deliveries / scenario.seconds())
    delivered = sum(shop.api.message(msgid)["funnel"]["users"]["delivered"] for msgid in sent)
    if delivered != deliveries:
        raise SystemExit(f"bench: {platform} by {receipts}: {delivered} of {deliveries} delivered")
    shop.close()
    mode = f"{receipts}, a link each" if links else receipts
    return {"type": kind, "platform": platform, "receipts": mode, **figures(result)}


def _shop(description: Mapping[str, Any], platform: str, receipts: str, links: str) -> Shop:
    kind = PLATFORMS[platform].type
    settings: dict[str, Any] = {} if receipts in (ANSWER, CONNECTION) else {"receipts": receipts}
    settings |= {"options": {"track_links": bool(links)}} if _is_shared(platform) else {}
    account = {platform: {"receipt_delay": LATER}} if receipts == ReceiptMode.WEBHOOK.value else {}
    by_kind = {"platforms": {kind: platform}, "settings": {kind: settings}}
    return Shop(description, kinds=(kind,), options=account, **by_kind)


def _await_receipts(shop: Shop, kind: str, receipts: str, deliveries: int, before: int) -> None:
    contacts = {shop.contact(kind, n) for n in range(deliveries)}
    until(
        lambda: len(contacts & shop.sandbox.sends(shop.provider(kind)).keys()) == deliveries,
        PATIENCE,
    )
    if receipts == ReceiptMode.WEBHOOK.value:
        until(lambda: _reported(shop, kind) - before >= deliveries, PATIENCE)
    if receipts == ReceiptMode.POLL.value:
        time.sleep(POLLED)


def _reported(shop: Shop, kind: str) -> int:
    return shop.sandbox.receipts().get(shop.provider(kind), {}).get("posted", 0)


def figures(result: Result) -> dict[str, float]:
    return {
        name: result.report[name]
        for name in ("aws_requests_per_1000", "write_units_per_1000", "usd_per_million")
    }


def section(results: Sequence[Mapping[str, Any]], deliveries: int) -> str:
    rows = (
        "| `{type}` | `{platform}` | {receipts} | {aws_requests_per_1000:,.0f} |"
        " {write_units_per_1000:,.0f} | {usd_per_million:.2f} |\n".format_map(result)
        for result in results
    )
    return INTRODUCTION.format(deliveries=deliveries) + "".join(rows)


if __name__ == "__main__":
    sys.exit(main())
