"""The scenarios of single sends: one recipient each, receipts one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from infra.bench import quiet
from infra.bench.cost import Result
from infra.bench.scenario import LATE_CHECK, QUIET, Scenario, check, until
from infra.demo.client import Shop

WITHIN = 15  # seconds that the strategy's second step waits
SENDERS = 4
ALONE = 120  # sends that are alone in their second
APP = {"title": "Hello {{name}}", "alert": "Your order is on its way"}
SMS = {"sign_id": 1, "temp_id": 1, "temp_para": {"name": "{{name}}"}}
# A mail of 20 KB, as a shop's layout has it.
MAIL = {
    "subject": "Hello {{name}}",
    "text": "<p>Hello {{name}}</p>" + "".join(f"<p>Item {n}: some text</p>" for n in range(750)),
    "html": True,
}
AT_ONCE, LATER = 0.0, 1.0  # seconds from a delivery to its receipt
UNREACHED = 500  # calls a second that the senders never make here


@dataclass(frozen=True)
class Case:
    """A scenario. `app_limit` is the delivery channel's calls a second, None for the platform's."""

    kinds: Sequence[str] = ("app",)
    contents: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"app": APP})
    receipt_delay: float = LATER
    app_limit: int | None = 0
    steps: Sequence[Mapping[str, Any]] = ()
    senders: int = SENDERS
    pause: float = 0.0  # seconds that every sender waits after a send

    def shop(self, stack: Mapping[str, Any]) -> Shop:
        receipts = {"receipt_batch": 1, "receipt_delay": self.receipt_delay}
        return Shop(
            stack,
            options={"jpush": receipts, "jsms": receipts},
            settings={"app": {"calls_per_second": self.app_limit}},
            kinds=self.kinds,
        )


TWO_STEPS = (
    {"channels": ["app"]},
    {"channels": ["sms"], "condition": {"missing": "delivered", "within": WITHIN}},
)
CASES = {
    "single": Case(("app", "sms"), {"app": APP, "sms": SMS}, steps=TWO_STEPS),
    "plain": Case(),
    "at once": Case(receipt_delay=AT_ONCE),
    "limited": Case(app_limit=UNREACHED),
    "paced": Case(app_limit=None),
    "mail": Case(("email",), {"email": MAIL}),
    "alone": Case(senders=1, pause=1.0),
}


def run(console: Console, stack: Mapping[str, Any], name: str, recipients: int) -> Result:
    """Send to one person after another. Everybody gets one receipt that says delivered."""
    case = CASES[name]
    shop = case.shop(stack)
    people = [f"{shop.mark}_{n}" for n in range(recipients)]
    shop.upload([_user(case, shop, number) for number in range(recipients)])
    send = _sender(case, shop)
    warm = people[: 8 * case.senders : 2]  # of whom nobody falls back
    with ThreadPoolExecutor(case.senders) as pool:
        list(pool.map(send, warm))
    time.sleep(LATE_CHECK)
    quiet.sweep(shop.stack)
    quiet.wait(shop.stack, QUIET)  # functions are warm and idle
    scenario, delivered = Scenario(shop.stack, shop), _delivered(case, shop)
    before = delivered()

    def seconds_to(number: int) -> float:
        until(lambda: delivered() - before >= number, 240)
        return scenario.seconds()

    measured = len(people) // 2 if case.steps else len(people)  # who escalates waits first
    # A thread of its own: in the pool of the senders, it would send when it has measured.
    with ThreadPoolExecutor(1) as watch, ThreadPoolExecutor(case.senders) as pool:
        over = watch.submit(seconds_to, measured)
        sent = list(pool.map(send, people))
        console.print(f"{name}: {len(people)} sends accepted in {scenario.all_accepted():.1f} s")
    seconds_to(len(people))
    result = scenario.result(len(people), measured / over.result())
    check(shop, sent, len(people))
    return result


def _user(case: Case, shop: Shop, number: int) -> dict[str, Any]:
    """Build a user. Where there is a second step, every second push lacks a receipt."""
    silent = "-silent" if case.steps and number % 2 else ""
    contacts = {
        "app": [f"reg{shop.mark}_{number}{silent}"],
        "sms": f"136{number:06d}77",
        "email": f"{shop.mark}.{number}@example.com",
    }
    return shop.user(f"{shop.mark}_{number}", **{kind: contacts[kind] for kind in case.kinds})


def _sender(case: Case, shop: Shop) -> Callable[[str], str]:
    template = shop.template(**case.contents)
    more = {"rule_id": shop.strategy(*case.steps)} if case.steps else {}

    def send(userid: str) -> str:
        msgid = shop.api.send([userid], template, {"name": "Ann"}, **more)
        time.sleep(case.pause)
        return msgid

    return send


def _delivered(case: Case, shop: Shop) -> Callable[[], int]:
    """Return a counter of the deliveries that our webhook, or a mail server, has confirmed."""
    if case.kinds == ("email",):
        return lambda: sum(shop.sandbox.sends("smtp").values())
    receipts = shop.sandbox.receipts
    return lambda: sum(receipts()[shop.provider(kind)]["posted"] for kind in case.kinds)
