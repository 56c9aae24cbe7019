"""`make demo`: one message to 1,000 people: app push, then SMS, then e-mail.

The SMS goes to people without a delivered push, the e-mail to people without a click on the SMS.
Everything is created through the HTTP API, as a user would. The command exits with 0 only if every
figure is what the mix of contacts must give (infra/demo/mix.py). The providers' own log must also
say that each contact was sent to exactly as often as it must.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import requests
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from infra.demo.client import PRICES, Failed, Shop
from infra.demo.mix import Person, expected, expected_sends, people, uploads
from infra.local.files import DEMO, Stack
from infra.local.processes import NotStarted
from infra.local.stack import up

STAGES = ("planned", "valid", "submitted", "delivered", "clicked")
WITHIN = 4  # seconds that each step waits
PATIENCE = 120  # seconds beyond the steps after which the demo gives up
SETTLE = 4  # seconds without a change after which everything has been reported
SURE = 1  # seconds for which right figures must stand: a repeat would come late

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


def steps(within: int) -> tuple[Mapping[str, Any], ...]:
    """Build the strategy: app push, SMS if not delivered, e-mail if not clicked within seconds."""
    return (
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": within}},
        {"channels": ["email"], "condition": {"missing": "clicked", "within": within}},
    )


@dataclass(frozen=True)
class Sent:
    """The demo's message with all that was created for it."""

    shop: Shop
    people: Sequence[Person]
    template: int
    rule: int
    msgid: str


def main() -> int:
    """Run the demo. Return 0 if every figure is right, else 1."""
    options = _options()
    console, begun = Console(), time.monotonic()
    stack = Stack(options.name, options.stage)
    with console.status("starting the local stack"):
        description = up(stack)
    seconds = time.monotonic() - begun
    console.print(f"[bold]The stack is up[/] at {description['api_url']} ({seconds:.1f} s)")
    started = time.monotonic()
    sent = _send(console, description, options.within)
    answer = _watch(console, sent, PATIENCE + 2 * options.within)
    console.print(_summary(answer, time.monotonic() - started))
    _remember(stack, description, sent.shop)
    _print_next_steps(console, description, sent)
    wrong = [*differences(answer), *wrong_sends(sent.shop, sent.people)]
    if wrong:
        _print_wrong(console, wrong, stack, options.within)
        return 1
    console.print(
        "[bold green]Every figure is as it must be[/], by the providers' own log too. "
        f"({time.monotonic() - begun:.1f} s in all)"
    )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.demo.strategy", description=__doc__)
    parser.add_argument("--name", default=DEMO, help="the local stack to use")
    parser.add_argument("--stage", default="local")
    parser.add_argument("--within", type=int, default=WITHIN, help="seconds that each step waits")
    return parser.parse_args()


def _send(console: Console, description: Mapping[str, Any], within: int) -> Sent:
    with console.status("creating channels, template, strategy and users through the API"):
        shop = Shop(description, settings=PRICES)
        everybody = list(people(shop.mark))
        shop.upload(uploads(shop, everybody))
        template, rule = shop.template(**CONTENTS), shop.strategy(*steps(within))
    console.print(f"access channel {shop.key}, template {template}, strategy {rule}:")
    console.print(f"app → sms → email, {within} s each")
    userids = [person.userid for person in everybody]
    option = {"sendno": "demo", "priority": 2}
    msgid = shop.api.send(userids, template, VALUES, rule_id=rule, option=option)
    console.print(f"[bold]One message[/] to {len(everybody)} people: {msgid}")
    return Sent(shop, everybody, template, rule, msgid)


def _print_wrong(console: Console, wrong: Sequence[str], stack: Stack, within: int) -> None:
    for line in wrong:
        console.print(f"[bold red]wrong:[/] {line}", soft_wrap=True)
    logs = f"{stack.folder}/*.log (make logs NAME={stack.name})"
    console.print(f"Logs of the functions, the emulator and the sandbox: {logs}", soft_wrap=True)
    console.print(
        f"If more people than expected entered a step, this machine was too slow for {within} s: "
        f"make demo WITHIN={5 * within}",
        soft_wrap=True,
    )


def _watch(console: Console, sent: Sent, patience: float) -> dict[str, Any]:
    """Show the funnel until the message is finished and its counts rest, or patience ends.

    Counts rest when nothing has changed for a while.
    """
    begun = changed = time.monotonic()
    answer = sent.shop.api.message(sent.msgid)
    is_terminal = console.is_terminal
    show = Live(_progress(answer, 0), console=console, transient=True) if is_terminal else None
    with show or nullcontext():
        while time.monotonic() - begun < patience:
            time.sleep(0.5)
            newest = sent.shop.api.message(sent.msgid)
            changed = time.monotonic() if newest != answer else changed
            answer, seconds = newest, time.monotonic() - begun
            if show is not None:
                show.update(_progress(answer, seconds))
            elif int(seconds) % 5 == 0:
                console.print(_progress_line(answer, seconds))
                time.sleep(0.5)
            quiet = SETTLE if list(differences(answer)) else SURE
            if answer["status"] == "finished" and time.monotonic() - changed > quiet:
                return answer
    return answer


def _progress_line(answer: Mapping[str, Any], seconds: float) -> str:
    counts = answer["funnel"]["channels"]
    figures = ", ".join(
        f"{kind} {count['submitted']} submitted, {count['delivered']} delivered"
        for kind, count in counts.items()
    )
    return f"{seconds:3.0f} s  {answer['status']}: {figures or 'nothing yet'}"


def _progress(answer: Mapping[str, Any], seconds: float) -> Table:
    progress = answer["progress"]
    title = (
        f"{answer['status']}, {seconds:.0f} s: {progress['undecided']} people undecided, "
        f"{progress['unsubmitted']} deliveries to submit"
    )
    return _funnel(answer, title)


def _funnel(answer: Mapping[str, Any], title: str) -> Table:
    """Build the table of people, and of each step's channels with the people who entered it."""
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
    losses = {"people": answer["losses"]["users"], **answer["losses"]["channels"]}
    for who, reasons in losses.items():
        for reason, number in reasons.items():
            lost.add_row(who, reason, str(number))
    return Group(_funnel(answer, f"{answer['status']} after {seconds:.1f} s; {balance}"), lost)


def differences(answer: Mapping[str, Any]) -> Iterator[str]:
    """Name every figure of the answer that is not what the mix must give."""
    right = expected()
    if not answer["balanced"]:
        yield "the ledger does not balance"
    if answer["status"] != "finished":
        yield f"the message is not finished: {answer['progress']}"
    yield from _compare("people", right["users"], answer["funnel"]["users"])
    entered = {str(step["step"]): step["targets"] for step in answer["steps"]}
    yield from _compare("people in step", right["steps"], entered)
    for kind, counts in right["channels"].items():
        yield from _compare(kind, counts, answer["funnel"]["channels"].get(kind, {}))
    yield from _compare("people lost", right["losses"]["users"], answer["losses"]["users"])
    for kind in right["channels"]:
        lost: Counter[str] = Counter()
        for reason, number in answer["losses"]["channels"].get(kind, {}).items():
            lost[reason.split(":")[0]] += number
        yield from _compare(f"{kind} lost", right["losses"][kind], lost)


def _compare(what: str, right: Mapping[str, int], actual: Mapping[str, int]) -> Iterator[str]:
    for name in sorted({*right, *actual}):
        if right.get(name, 0) != actual.get(name, 0):
            yield f"{what} {name}: {actual.get(name, 0)}, but it must be {right.get(name, 0)}"


def wrong_sends(shop: Shop, everybody: Sequence[Person]) -> Iterator[str]:
    """Name contacts that a provider did not send to exactly as often as it must."""
    contacts = set().union(*(person.contacts for person in everybody))
    for provider, right in expected_sends(everybody).items():
        log = shop.sandbox.sends(provider)
        sent = {contact: number for contact, number in log.items() if contact in contacts}
        different = [c for c in {*right, *sent} if right.get(c, 0) != sent.get(c, 0)]
        for contact in different[:3]:
            yield (
                f"{provider} sent {sent.get(contact, 0)} times to {contact}, "
                f"but must have {right.get(contact, 0)} times"
            )
        if len(different) > 3:
            yield f"{provider}: {len(different)} contacts in all"


def _remember(stack: Stack, description: Mapping[str, Any], shop: Shop) -> None:
    keys = {"channel_key": shop.key, "master_secret": shop.secret}
    stack.description.write_text(json.dumps({**description, **keys}, indent=2) + "\n")


def _print_next_steps(console: Console, description: Mapping[str, Any], sent: Sent) -> None:
    shop, userid = sent.shop, sent.people[0].userid
    body = {
        "aud_userid": [userid],
        "template_id": sent.template,
        "template_para": VALUES,
        "app_para": {"platform": "all"},
        "rule_id": sent.rule,
    }
    console.print(f"\n[bold]API[/] {shop.api.url}   [bold]channel key[/] {shop.key}")
    console.print(f"[bold]master secret[/] {shop.secret}")
    page = f"{description['api_url']}/console/c/{shop.key}/messages/{sent.msgid}"
    console.print(f"\n[bold]Console[/] {page}", soft_wrap=True)
    console.print(
        f"[bold]name[/] {description['access_key']}   "
        f"[bold]password[/] {description['access_secret']}\n",
        soft_wrap=True,
    )
    console.print("Send another message, and see what became of the first:\n")
    curl, json_type = f"curl -u {shop.key}:{shop.secret} {shop.api.url}", "application/json"
    # Printed plain, without wrapping and colours, to be copied.
    print(
        f"{curl}/v1/template/sent -H 'Content-Type: {json_type}' -d '{json.dumps(body)}'",
        f"{curl}/v1/messages/{sent.msgid}",
        f"{curl}/v1/messages/{sent.msgid}/targets/{userid}\n",
        sep="\n",
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failed, NotStarted) as failure:
        sys.exit(f"demo: {failure}")
    except requests.RequestException as failure:
        sys.exit(
            f"demo: the stack does not answer ({type(failure).__name__}). "
            "Its logs: make logs. To start it anew: make down up"
        )
