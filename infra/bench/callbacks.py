"""`python -m infra.bench.callbacks 2000`: what callbacks add to the requests and dollars of a push.

A bulk push goes to people who get it, click and are withdrawn, so each has five records. It is sent
twice on a stack of its own: without callbacks, and with a receiver on this machine. The difference
is what callbacks cost. Nine records of each delivery cost as many times more.

The emulator does not wait for batches, so callbacks come in smaller batches here than in AWS.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from rich.console import Console

from infra.bench import single_sends
from infra.bench.cost import MEMORY_GB, Result
from infra.bench.prices import LAMBDA_GB_SECOND, PER_MILLION
from infra.bench.scenario import STACK, Scenario, alone, until
from infra.demo.client import TIMEOUT, Shop
from infra.local.stack import down, up

RECORDS = 5  # of a delivery: valid, submitted, delivered, clicked, and the withdrawal's result
ALL = 9
FUNCTION = "callbacks"
BOUND = 3.00  # dollars per million deliveries with nine records


class Receiver(BaseHTTPRequestHandler):
    """A server that takes every callback, and counts the records by their type."""

    types: Counter[int] = Counter()
    posts = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Receiver.types.update(record["type"] for record in json.loads(body))
        Receiver.posts += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipients", type=int, nargs="?", default=2000)
    recipients = parser.parse_args().recipients
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with alone():
        try:
            description = up(STACK)
            plain = _run(description, recipients, "")
            url = f"http://127.0.0.1:{server.server_port}/"
            reporting = _run(description, recipients, url)
        finally:
            down(STACK)
    _show(Console(), plain, reporting)


def _run(description: Mapping[str, Any], recipients: int, receiver: str) -> Result:
    options = {"jpush": {"receipt_batch": 100, "receipt_wait": 5}}
    shop = Shop(description, options=options, kinds=("app",))
    if receiver:
        _report_to(shop, receiver)
    people = [f"{shop.mark}_{n}" for n in range(recipients)]
    shop.upload([shop.user(userid, app=[f"reg{userid}-click"]) for userid in people])
    template = shop.template(app=single_sends.APP)
    before = Scenario(description, shop).posted("jpush")
    scenario = Scenario(description, shop)
    sent = [
        shop.api.send(people[start : start + 1000], template, {"name": "Ann"})
        for start in range(0, recipients, 1000)
    ]
    scenario.all_accepted()
    until(lambda: scenario.posted("jpush") - before >= 2 * recipients, 600)
    for msgid in sent:
        shop.api.ask("POST", f"/v1/retract/{msgid}")
    if receiver:
        until(lambda: Receiver.types.total() >= RECORDS * recipients, 600)
    return scenario.result(recipients, 0)


def _report_to(shop: Shop, url: str) -> None:
    path = f"{shop.admin.url}/admin/v1/access-channels/{shop.key}/callbacks"
    address = {"url": url, "auth": "signature"}
    for method, where, body in (
        ("POST", path + "/addresses", address),
        ("PATCH", path, {"enabled": True}),
    ):
        requests.request(
            method,
            where,
            json=body,
            auth=shop.admin.pair,
            headers={"If-Match": "*"},
            timeout=TIMEOUT,
        ).raise_for_status()


def _added(plain: Result, reporting: Result) -> dict[str, float]:
    """Return the dollars per million deliveries that callbacks add, part by part.

    The duration of other functions changes from run to run, so only the function's own counts.
    """
    scale = 1e6 / reporting.recipients
    own = reporting.counts["lambda"].get(FUNCTION, Counter())
    parts = ("SQS requests", "DynamoDB write units", "DynamoDB read units", "KMS requests")
    added = {part: max(0.0, reporting.dollars[part] - plain.dollars[part]) for part in parts}
    seconds = own["milliseconds"] / 1000
    return {
        **added,
        "Lambda requests": own["invocations"] * PER_MILLION["Lambda requests"] / 1e6 * scale,
        "Lambda duration": seconds * MEMORY_GB * LAMBDA_GB_SECOND * scale,
    }


def _show(console: Console, plain: Result, reporting: Result) -> None:
    console.print(
        f"records by type {dict(sorted(Receiver.types.items()))} in {Receiver.posts} posts"
    )
    added = _added(plain, reporting)
    for part, dollars in added.items():
        console.print(f"{part:24} ${dollars:7.3f}")
    total = sum(added.values())
    nine = total / RECORDS * ALL
    console.print(
        f"a million deliveries with {RECORDS} records ${total:.2f}, with {ALL} ${nine:.2f}"
    )
    if nine > BOUND:
        raise SystemExit(f"bench: more than ${BOUND:.2f}")


if __name__ == "__main__":
    main()
