"""`make demo`: one message to 1,000 people: app push, then SMS to those whom it did not reach, then e-mail.

Everything is created through the HTTP API, as a user would. Exits 0 only if every figure is what the mix of contacts must give
(demo_mix.py), and the providers' own log says that each contact was sent to exactly as often as it must.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import requests
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from infra.demo.client import Failed, Shop
from infra.demo.mix import Person, expected, expected_sends, people, uploads
from infra.local.stack import DEMO, NotStarted, Stack, up

STAGES = ("planned", "valid", "submitted", "delivered", "clicked")
WITHIN = 4  # seconds that each step waits
PATIENCE = 300  # seconds until the demo gives up
SURE = 1  # seconds for which right figures must stand: what is done twice is done late

CONTENTS: Mapping[str, Mapping[str, Any]] = {
    "app": {"title": "Hello {{name}}", "alert": "Your order {{order}} is on its way"},
    "sms": {
        "sign_id": 1,
        "temp_id": 1,
        "temp_para": {"name": "{{name}}", "order": "{{order}}", "url": "{{url}}"},
    },
    "email": {
        "subject": "Order {{order}}",
        "text": "Hello {{name}}, your order {{order}} is on its way: {{url}}",
    },
}
VALUES = {"name": "Ann", "order": "1042", "url": "https://shop.example/orders/1042"}


def steps(within: int) -> Sequence[Mapping[str, Any]]:
    """Return a strategy: app push, then SMS, then e-mail."""
    return (
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": within}},
        {"channels": ["email"], "condition": {"missing": "clicked", "within": within}},
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.demo.strategy", description=__doc__)
    parser.add_argument("--name", default=DEMO, help="the local stack to use")
    parser.add_argument("--stage", default="local")
    parser.add_argument(
        "--within", type=int, default=WITHIN, help="seconds that each step of the strategy waits"
    )
    given = parser.parse_args()
    console = Console()
    begun = time.monotonic()
    stack = Stack(given.name, given.stage)
    with console.status("starting the local stack"):
        description = up(stack)
    console.print(
        f"[bold]The stack is up[/] at {description['api_url']} ({time.monotonic() - begun:.1f} s)"
    )
    shop, everybody, template, rule = _prepare(console, description, given.within)
    sent = time.monotonic()
    msgid = shop.api.send(
        [p.userid for p in everybody],
        template,
        VALUES,
        rule_id=rule,
        option={"sendno": "demo", "priority": 2},
    )
    console.print(f"[bold]One message[/] to {len(everybody)} people: {msgid}")
    answer = _watch(console, shop, msgid, given.within)
    console.print(_summary(answer, time.monotonic() - sent))
    wrong = [*_differences(answer), *_wrong_sends(shop, everybody)]
    _remember(stack, description, shop)
    _how_to_go_on(console, shop, everybody[0].userid, template, msgid, rule)
    for line in wrong:
        console.print(f"[bold red]wrong:[/] {line}", soft_wrap=True)
    if wrong:
        logs = f"{stack.folder}/*.log (make logs NAME={stack.name})"
        console.print(
            f"What the functions, the emulator and the sandbox wrote: {logs}", soft_wrap=True
        )
        return 1
    console.print(
        f"[bold green]Every figure is as it must be[/], by the providers' own log too. ({time.monotonic() - begun:.1f} s in all)"
    )
    return 0


def _prepare(
    console: Console, description: Mapping[str, Any], within: int
) -> tuple[Shop, list[Person], int, int]:
    with console.status("creating channels, template, strategy and users through the API"):
        shop = Shop(description)
        everybody = list(people(shop.mark))
        shop.upload(uploads(shop, everybody))
        template, rule = shop.template(**CONTENTS), shop.strategy(*steps(within))
    console.print(
        f"access channel {shop.key}, template {template}, strategy {rule}: app → sms → email, {within} s each"
    )
    return shop, everybody, template, rule


def _watch(console: Console, shop: Shop, msgid: str, settle: int) -> dict[str, Any]:
    """Show the funnel until everything is decided and nothing has changed for a while."""
    begun = changed = time.monotonic()
    answer = shop.api.message(msgid)
    with (
        Live(_progress(answer, 0), console=console, transient=True)
        if console.is_terminal
        else nullcontext() as live
    ):
        while time.monotonic() - begun < PATIENCE:
            time.sleep(0.5)
            fresh = shop.api.message(msgid)
            changed = time.monotonic() if fresh != answer else changed
            answer = fresh
            if live is not None:
                live.update(_progress(answer, time.monotonic() - begun))
            elif int(time.monotonic() - begun) % 5 == 0:
                console.print(_progress_line(answer, time.monotonic() - begun))
                time.sleep(0.5)
            patience = settle if list(_differences(answer)) else SURE
            if answer["status"] == "finished" and time.monotonic() - changed > patience:
                return answer
    return answer


def _progress_line(answer: Mapping[str, Any], seconds: float) -> str:
    counts = answer["funnel"]["channels"]
    told = ", ".join(
        f"{kind} {c['submitted']} submitted, {c['delivered']} delivered"
        for kind, c in counts.items()
    )
    return f"{seconds:3.0f} s  {answer['status']}: {told or 'nothing yet'}"


def _progress(answer: Mapping[str, Any], seconds: float) -> Table:
    open_ = answer["progress"]
    title = f"{answer['status']}, {seconds:.0f} s: {open_['undecided']} people undecided, {open_['unsubmitted']} deliveries to submit"
    return _funnel(answer, title)


def _funnel(answer: Mapping[str, Any], title: str) -> Table:
    """People, and each step's channels with how many people the step was decided for."""
    table = Table(title=title, title_justify="left")
    for name in ("step", "people", *STAGES):
        table.add_column(name, justify="left" if name == "step" else "right")
    table.add_row(
        "all people",
        "",
        *(str(answer["funnel"]["users"][stage]) for stage in STAGES),
        end_section=True,
    )
    for step in answer["steps"]:
        for kind in step["channels"]:
            counts = answer["funnel"]["channels"].get(kind, {})
            table.add_row(
                f"{step['step']} {kind}",
                str(step["targets"]),
                *(str(counts.get(stage, 0)) for stage in STAGES),
            )
    return table


def _summary(answer: Mapping[str, Any], seconds: float) -> Group:
    balance = "the ledger balances" if answer["balanced"] else "THE LEDGER DOES NOT BALANCE"
    lost = Table(title="lost", title_justify="left")
    for name in ("", "why", "how many"):
        lost.add_column(name, justify="right" if name == "how many" else "left")
    for who, found in {"people": answer["losses"]["users"], **answer["losses"]["channels"]}.items():
        for reason, number in found.items():
            lost.add_row(who, reason, str(number))
    return Group(_funnel(answer, f"{answer['status']} after {seconds:.1f} s; {balance}"), lost)


def _differences(answer: Mapping[str, Any]) -> Iterator[str]:
    """Where the answer is not what the mix must give."""
    wanted = expected()
    if not answer["balanced"]:
        yield "the ledger does not balance"
    if answer["status"] != "finished":
        yield f"the message is not finished: {answer['progress']}"
    yield from _compare("people", wanted["users"], answer["funnel"]["users"])
    yield from _compare(
        "people in step",
        wanted["steps"],
        {str(step["step"]): step["targets"] for step in answer["steps"]},
    )
    for kind, counts in wanted["channels"].items():
        yield from _compare(kind, counts, answer["funnel"]["channels"].get(kind, {}))
    yield from _compare("people lost", wanted["losses"]["users"], answer["losses"]["users"])
    for kind in wanted["channels"]:
        told: dict[str, int] = {}
        for reason, number in answer["losses"]["channels"].get(kind, {}).items():
            stage = reason.split(":")[0]
            told[stage] = told.get(stage, 0) + number
        yield from _compare(f"{kind} lost", wanted["losses"][kind], told)


def _compare(what: str, wanted: Mapping[str, int], told: Mapping[str, int]) -> Iterator[str]:
    for name in sorted({*wanted, *told}):
        if wanted.get(name, 0) != told.get(name, 0):
            yield f"{what} {name}: {told.get(name, 0)}, but it must be {wanted.get(name, 0)}"


def _wrong_sends(shop: Shop, everybody: Sequence[Person]) -> Iterator[str]:
    """Contacts that a provider did not send to exactly as often as it must."""
    for provider, wanted in expected_sends(everybody).items():
        ours = {c for p in everybody for c in (*p.app, p.sms, p.email) if c}
        sent = {
            contact: n for contact, n in shop.sandbox.sends(provider).items() if contact in ours
        }
        different = [c for c in {*wanted, *sent} if wanted.get(c, 0) != sent.get(c, 0)]
        for contact in different[:3]:
            yield f"{provider} sent {sent.get(contact, 0)} times to {contact}, but must have {wanted.get(contact, 0)} times"
        if len(different) > 3:
            yield f"{provider}: {len(different)} contacts in all"


def _remember(stack: Stack, description: Mapping[str, Any], shop: Shop) -> None:
    keys = {"channel_key": shop.key, "master_secret": shop.secret}
    stack.description.write_text(json.dumps({**description, **keys}, indent=2) + "\n")


def _how_to_go_on(
    console: Console, shop: Shop, userid: str, template: int, msgid: str, rule: int
) -> None:
    body = {
        "aud_userid": [userid],
        "template_id": template,
        "template_para": VALUES,
        "app_para": {"platform": "all"},
        "rule_id": rule,
    }
    console.print(
        f"\n[bold]API[/] {shop.api.url}   [bold]channel key[/] {shop.key}   [bold]master secret[/] {shop.secret}"
    )
    console.print("Send another one, and see what became of the first:\n")
    pair = f"-u {shop.key}:{shop.secret}"
    sending = f"curl {pair} {shop.api.url}/v1/template/sent -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    for line in (
        sending,
        f"curl {pair} {shop.api.url}/v1/messages/{msgid}",
        f"curl {pair} {shop.api.url}/v1/messages/{msgid}/targets/{userid}",
    ):
        print(line)  # as it is, to be copied: no wrapping, no colours
    print()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, NotStarted) as failure:
        sys.exit(f"demo: {failure}")
    except requests.RequestException as failure:
        sys.exit(
            f"demo: the stack does not answer ({type(failure).__name__}); what it wrote: make logs, to start it anew: make down up"
        )
