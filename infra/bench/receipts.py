"""The scenarios of receipts that come one by one: vendors that post a request for each.

One message goes to everybody, and the receipts come when all is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from infra.bench.cost import Result
from infra.bench.scenario import VALUES, Scenario, check, until
from infra.demo.client import Shop
from infra.demo.platforms import PLATFORMS

CASES = ("jsms", "chuanglan", "wechatoa")
DELAY = 25.0  # seconds from a delivery to its receipt, in which all is sent
PATIENCE = 300  # seconds until the first receipt, and until the last one


def run(console: Console, stack: Mapping[str, Any], platform: str, recipients: int) -> Result:
    """Measure from the message on. The speed is that from the first receipt to the last one."""
    kind = PLATFORMS[platform].type
    shop = Shop(
        stack,
        kinds=(kind,),
        platforms={kind: platform},
        options={platform: {"receipt_delay": DELAY}},
    )
    people = [f"{shop.mark}_{n}" for n in range(recipients)]
    shop.upload([shop.user(u, **{kind: shop.contact(kind, n)}) for n, u in enumerate(people)])
    template = shop.template(**shop.contents())
    scenario, provider = Scenario(stack, shop), shop.provider(kind)
    before = scenario.posted(provider)

    def seconds_to(number: int) -> float:
        until(lambda: scenario.posted(provider) - before >= number, PATIENCE)
        return scenario.seconds()

    parts = range(0, recipients, 1000)
    sent = [shop.api.send(people[at : at + 1000], template, VALUES) for at in parts]
    console.print(f"{platform}: {recipients} accepted in {scenario.all_accepted():.1f} s")
    first = seconds_to(1)
    result = scenario.result(recipients, recipients / (seconds_to(recipients) - first))
    check(shop, sent, recipients)
    return result
