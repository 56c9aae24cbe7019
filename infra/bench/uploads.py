"""`make uploads N=50000`: the cost of file imports in AWS requests, counted at the emulator.

A stack imports N users with three contacts each, and the same file again. Then it imports two tags
for each user, and N members of a segment.
Results go to the section "Uploads" of docs/explanation/performance.md and .local/uploads.json.
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
from infra.local.files import LOCAL, Stack
from infra.local.stack import down, up

STACK = Stack("uploads", "bench", worker=False)
PATIENCE = 900  # seconds for one import
FOR_USERS = 2600  # AWS requests for 50,000 users
FOR_A_THOUSAND_MEMBERSHIPS = 40  # further AWS requests for each 1,000 memberships


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.uploads", description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=50_000)
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bound is missed")
    arguments = parser.parse_args()
    console = Console()
    try:
        results = _measure(console, up(STACK), arguments.rows)
    finally:
        down(STACK)
    LOCAL.mkdir(exist_ok=True)
    (LOCAL / "uploads.json").write_text(json.dumps(results, indent=2) + "\n")
    page.put_section("Uploads", section(results))
    missed = [result["what"] for result in results if result["requests"] > result["bound"]]
    return int(bool(missed) and arguments.strict)


def _measure(console: Console, description: Mapping[str, Any], rows: int) -> list[dict[str, Any]]:
    shop = Shop(description, kinds=("app",))
    header = f"userid,phone[all],email[all],app_regid[{shop.code('app')}]"
    people = [f"{shop.mark}_{n}" for n in range(rows)]
    users, tags = [header], ["userid,tag[all]"]
    for n, userid in enumerate(people):
        users.append(f"{userid},138{n:08d},{userid}@example.com,reg{userid}")
        tags.append(f"{userid},t{n % 7};u{n % 11}")
    results = []
    for what, kind, lines, memberships in (
        ("users with three contacts each", "users", users, 0),
        ("the same file again", "users", users, 0),
        ("two tags for each of them", "tags", tags, 2 * rows),
        ("members of a segment", "segment", ["userid", *people], rows),
    ):
        result = _measure_one(description, shop, kind, lines, memberships)
        results.append({"what": what, "rows": rows, **result})
        console.print(results[-1])
    return results


def _measure_one(
    description: Mapping[str, Any], shop: Shop, kind: str, lines: Iterable[str], memberships: int
) -> dict[str, Any]:
    requests.delete(description["emulator_url"] + "/_openums/counts", timeout=10)
    begun = time.monotonic()
    job = _import(shop, kind, lines)
    seconds = time.monotonic() - begun
    counts = quiet.counted(description)
    rows = job["rows"]
    by_step = Result(rows, rows / seconds, {**counts, "api": {}}, 0).requests_by_step
    bound = FOR_USERS * rows / 50_000 + FOR_A_THOUSAND_MEMBERSHIPS * memberships / 1000
    return {
        "requests": by_step.get("imports", 0) + by_step.get("event source imports", 0),
        "bound": round(bound),
        "changed": job["changed"],
        "write_units": sum(counts["write_units"].values()),
        "seconds": round(seconds),
    }


def _import(shop: Shop, kind: str, lines: Iterable[str]) -> dict[str, Any]:
    """Import a csv file, and return the finished import."""
    end = time.monotonic() + PATIENCE
    body: dict[str, Any] = {"kind": kind, "format": "csv"}
    if kind == "segment":
        body["target"] = _segment(shop)
    created = shop.admin.ask("POST", "/admin/v1/imports", body)
    path = f"/admin/v1/imports/{created['id']}"
    shop.put_file(created["upload"], "\n".join(lines).encode())
    job = shop.admin.ask("POST", f"{path}/start")
    while job["state"] == "running":
        if time.monotonic() > end:
            raise SystemExit(f"uploads: not over within {PATIENCE} s")
        time.sleep(1)
        job = shop.admin.ask("GET", path)
    if job["state"] != "done" or job["failed"] or job["rows"] != job["total"]:
        raise SystemExit(f"uploads: {job}")
    return job


def _segment(shop: Shop) -> int:
    body = {"channel_key": shop.key, "name": shop.mark}
    return int(shop.admin.ask("POST", "/admin/v1/segments", body)["id"])


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


def section(results: Iterable[Mapping[str, Any]]) -> str:
    """Build the section of docs/explanation/performance.md."""
    row = "| {what} | {rows:,} | {changed:,} | {requests:,} | {bound:,} | {write_units:,} |\n"
    return HEAD + "".join(row.format_map(result) for result in results)


if __name__ == "__main__":
    sys.exit(main())
