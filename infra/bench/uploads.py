"""`make uploads N=50000`: what imports of files cost in AWS requests, counted at the emulator.

Imports N users with three contacts each, the same file again, two tags for each, and as many members of a segment, on a stack of their
own. Writes the section "Uploads" of docs/explanation/performance.md and .local/uploads.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import requests
from rich.console import Console

from infra.bench import page, quiet
from infra.bench.cost import Result
from infra.demo.client import Shop
from infra.local.stack import LOCAL, Stack, down, up

STACK = Stack("uploads", "bench", worker=False)
PATIENCE = 900  # seconds for one import
FOR_USERS, FOR_A_THOUSAND_MEMBERSHIPS = (
    2600,
    40,
)  # AWS requests: for 50,000 users, and for each 1,000 memberships besides


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.uploads", description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=50_000)
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bound is missed")
    given = parser.parse_args()
    console = Console()
    try:
        found = _measure(console, up(STACK), given.rows)
    finally:
        down(STACK)
    LOCAL.mkdir(exist_ok=True)
    (LOCAL / "uploads.json").write_text(json.dumps(found, indent=2) + "\n")
    page.put_section("Uploads", section(found))
    missed = [each["what"] for each in found if each["requests"] > each["bound"]]
    return int(bool(missed) and given.strict)


def _measure(console: Console, description: Mapping[str, Any], rows: int) -> list[dict[str, Any]]:
    shop = Shop(description, kinds=("app",))
    header = f"userid,phone[all],email[all],app_regid[{shop.code('app')}]"
    people = [f"{shop.mark}_{n}" for n in range(rows)]
    users = [
        header,
        *(f"{each},138{n:08d},{each}@example.com,reg{each}" for n, each in enumerate(people)),
    ]
    tags = ["userid,tag[all]", *(f"{each},t{n % 7};u{n % 11}" for n, each in enumerate(people))]
    found = []
    for what, kind, lines, memberships in (
        ("users with three contacts each", "users", users, 0),
        ("the same file again", "users", users, 0),
        ("two tags for each of them", "tags", tags, 2 * rows),
        ("members of a segment", "segment", ["userid", *people], rows),
    ):
        found.append(
            {"what": what, "rows": rows, **_one(description, shop, kind, lines, memberships)}
        )
        console.print(found[-1])
    return found


def _one(
    description: Mapping[str, Any], shop: Shop, kind: str, lines: Iterable[str], memberships: int
) -> dict[str, Any]:
    requests.delete(description["emulator_url"] + "/_openums/counts", timeout=10)
    begun = time.monotonic()
    body = {
        "kind": kind,
        "format": "csv",
        **({"target": _segment(shop)} if kind == "segment" else {}),
    }
    made = shop.admin.ask("POST", "/admin/v1/imports", body)
    shop.put_file(made["upload"], "\n".join(lines).encode())
    told = shop.admin.ask("POST", f"/admin/v1/imports/{made['id']}/start")
    while told["state"] == "running":
        if time.monotonic() - begun > PATIENCE:
            raise SystemExit(f"uploads: not over within {PATIENCE} s")
        time.sleep(1)
        told = shop.admin.ask("GET", f"/admin/v1/imports/{made['id']}")
    seconds = time.monotonic() - begun
    if told["state"] != "done" or told["failed"] or told["rows"] != told["total"]:
        raise SystemExit(f"uploads: {told}")
    counts = quiet.counted(description)
    result = Result(told["rows"], told["rows"] / seconds, {**counts, "api": {}}, 0)
    asked = sum(
        result.requests_by_step.get(step, 0) for step in ("imports", "event source imports")
    )
    bound = FOR_USERS * told["rows"] / 50_000 + FOR_A_THOUSAND_MEMBERSHIPS * memberships / 1000
    units = counts["write_units"]
    return {
        "requests": asked,
        "bound": round(bound),
        "changed": told["changed"],
        "write_units": sum(units.values()),
        "seconds": round(seconds),
    }


def _segment(shop: Shop) -> int:
    made = shop.admin.ask(
        "POST", "/admin/v1/segments", {"channel_key": shop.key, "name": shop.mark}
    )
    return int(made["id"])


HEAD = """`make uploads` writes this section about imports of files. Do not edit it.

- Requests are those of the import's function and of its queue.
- A user is found by rows, one for each contact and each tag. The user and these rows are one part
  of a transaction of up to 100 items. So 25 users with three contacts are one request.
- Members are written by 25.
- The bounds are 2,600 requests for 50,000 users, and 40 for each 1,000 memberships.
- OpenUMS looks up whether a phone number or an address has opted out before. It reads the list of
  all opt-outs once for each slice.
- From some 40,000 opt-outs on, it looks up each contact by itself. That is two requests more for
  each hundred users.

| what | rows | changed | AWS requests | bound | write units |
|---|---:|---:|---:|---:|---:|
"""


def section(found: Iterable[Mapping[str, Any]]) -> str:
    """As docs/explanation/performance.md has it."""
    figures = ("rows", "changed", "requests", "bound", "write_units")
    rows = (" | ".join([each["what"], *(f"{each[name]:,}" for name in figures)]) for each in found)
    return HEAD + "".join(f"| {row} |\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
