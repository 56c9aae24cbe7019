"""Model the limits of an AWS account at a rate: `make model RATE=2000`.

A few sends run on the local stack. The emulator notes the DynamoDB units of each partition key, and
the time of each function. The model scales them to the rate, as if all sends were one access
channel's. AWS splits a table by its keys, and nothing splits one key.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import requests
from rich.console import Console
from rich.table import Table

from chalicelib.aws import user_lists
from chalicelib.aws.timers import SHARDS
from chalicelib.domain.keys import BUCKETS
from infra.bench import single_sends
from infra.bench.cost import Result
from infra.bench.scenario import STACK, alone
from infra.local.stack import down, up

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
KEY_WRITES, KEY_READS = 1_000, 3_000  # units a second of one partition key
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
NEW_WRITES, NEW_READS = 4_000, 12_000  # units a second of a new table
CONCURRENCY = 1_000  # of an account, which AWS raises when asked


class Family(NamedTuple):
    """Partition keys of one kind. `keys`: how many take the load at once, 0: ever new ones.

    `is_shared`: the more is sent at once, the more sends share a write.
    """

    table: str
    name: str
    pattern: str
    keys: int
    is_shared: bool = False


_MESSAGE = r"[0-9a-v]{16}"
_OWN = 0
FAMILIES = (
    Family("messages", "<msgid>", _MESSAGE, _OWN),
    Family("messages", "history#<key>#<month>", "history#.*", 1, is_shared=True),
    Family("messages", "sent#<group>#<day>", "sent#.*", 4, is_shared=True),
    Family("messages", "notes#<block>", "notes#.*", 1, is_shared=True),
    Family("messages", "part#<block>", "part#.*", _OWN),
    Family("messages", "figures#<key>", "figures#.*", 1, is_shared=True),
    Family("messages", "days, spans, coverage", "(days|spans|coverage)#.*", 1, is_shared=True),
    Family("messages", "imports, exports", "imports?(#.*)?|export#.*", _OWN),
    Family("messages", "schedules, results, ab-tests", "(schedules|results|ab-tests)#.*", 1),
    Family("messages", "segments by rules", "segment-(count|sizes|messages)#.*", 1),
    Family("messages", "events, interactions", "(events|interactions)#.*", BUCKETS),
    Family("messages", "tag-count#<scope>", "tag-count#.*", 1),
    Family("messages", "reviews by member", "(reviews|asked|decided)#.*", 1),
    Family("ledger", "<msgid>#<chunk>", _MESSAGE + "#.*", _OWN),
    Family("lookups", "receipt, parked, nonce", "(receipt|parked|nonce)#.*", _OWN),
    Family("lookups", "once, guess, bounces", "(once|guess|bounces)#.*", _OWN),
    Family("lookups", "rate#<key>#<second>", "(rate|allowance)#.*", 1, is_shared=True),
    Family("lookups", "quota#<channel>#<day>", "(quota|broadcasts)#.*", 1),
    Family("lookups", "cap#<key>#<kind>#<target>", "cap#.*", _OWN),
    Family("lookups", "reach#<key>#<userid>", "reach#.*", _OWN),
    Family("lookups", "token#<channel>#<what>", "token#.*", 1),
    Family("lookups", "pace#<channel>", "pace#.*", 1),
    Family("lookups", "expecting#<channel>", "expecting#.*", 1),
    Family("users", "<bucket>", r"\d+", BUCKETS),
    Family(f"users.{user_lists.INDEX}", "<part>", r"\d+", user_lists.PARTS),
    Family("audiences", "contact#<type>#<hmac>", "contact#.*", _OWN),
    Family("audiences", "consents#<type>#<hmac>", "consents#.*", _OWN),
    Family("audiences", "refused", "refused", 1),
    Family("audiences", "sets", "(tag|tags|segment|list|list-contacts)#.*", 1),
    Family("due", "<shard>", r"\d+", SHARDS, is_shared=True),
)
CACHED = "settings"  # each container reads them every few seconds, however much is sent


class Load(NamedTuple):
    """The units of a send on the busiest key of a family."""

    family: Family
    writes: float
    reads: float

    @property
    def most(self) -> float:
        """The sends a second at which the busiest key of the family is full."""
        if self.family.keys == _OWN:
            return float("inf")
        return _most((self.writes, KEY_WRITES), (self.reads, KEY_READS))


def family_of(table: str, partition: str) -> Family:
    """Return the family of a key. Raise LookupError for a key that the model does not know."""
    for family in FAMILIES:
        if family.table == table and re.fullmatch(family.pattern, partition):
            return family
    raise LookupError(f"{table}: {partition}")


def loads(partitions: Iterable[Mapping[str, Any]], sends: int) -> list[Load]:
    """Return the load of each family, the busiest first."""
    used: defaultdict[Family, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in partitions:
        table = row["table"].rpartition("-")[2]
        if table != CACHED:
            totals = used[family_of(table, row["partition"])]
            totals[0] += row.get("writes", 0)
            totals[1] += row.get("reads", 0)
    found = [
        Load(family, writes / sends / max(1, family.keys), reads / sends / max(1, family.keys))
        for family, (writes, reads) in used.items()
    ]
    return sorted(found, key=lambda load: load.most)


def tables(result: Result) -> dict[str, float]:
    """Return the sends a second that a new table takes in its first half hour, by table."""
    writes, reads = result.counts["write_units"], result.counts["read_units"]
    most = {
        name: _most(
            (writes.get(name, 0) / result.recipients, NEW_WRITES),
            (reads.get(name, 0) / result.recipients, NEW_READS),
        )
        for name in {*writes, *reads}
    }
    return dict(sorted(most.items(), key=lambda entry: entry[1]))


def concurrency(result: Result, rate: int) -> dict[str, float]:
    """Return how many of each function run at once at a rate, on a machine like this one."""
    busy = {
        name: counted["milliseconds"] / 1000 / result.recipients * rate
        for name, counted in result.counts["lambda"].items()
    }
    return dict(sorted(busy.items(), key=lambda entry: -entry[1]))


def _most(*used: tuple[float, int]) -> float:
    return min((limit / units for units, limit in used if units), default=float("inf"))


def _show(console: Console, name: str, rate: int, result: Result, found: Sequence[Load]) -> None:
    table = Table(title=f"{name}: {rate:,} sends a second to one access channel")
    for heading in ("what", "writes a send", "reads a send", "full at", f"at {rate:,}/s"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for load in found:
        family = load.family
        where = f"{family.table} {family.name}" + (f" ({family.keys} keys)" * (family.keys > 1))
        verdict = _verdict(load.most, rate, is_least=family.is_shared)
        table.add_row(where, f"{load.writes:.3f}", f"{load.reads:.3f}", *verdict)
    for where, most in tables(result).items():
        table.add_row(f"new table {where.rpartition('-')[2]}", "", "", *_verdict(most, rate))
    needed = concurrency(result, rate)
    most = CONCURRENCY * rate / (sum(needed.values()) or 1)
    table.add_row(f"Lambda: {sum(needed.values()):.0f} at once", "", "", *_verdict(most, rate))
    console.print(table)
    functions = ", ".join(f"{name} {number:.0f}" for name, number in needed.items() if number >= 1)
    console.print(f"at once: {functions}")


def _verdict(most: float, rate: int, *, is_least: bool = False) -> tuple[str, str]:
    if most == float("inf"):
        return "never", ""
    if is_least:
        return f"≥ {most:,.0f}/s", "ok" if most >= rate else "shared"
    return f"{most:,.0f}/s", "ok" if most >= rate else "SATURATED"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rate", type=int, nargs="?", default=2000)
    parser.add_argument("--sends", type=int, default=100, help="how many are measured")
    parser.add_argument("--only", default="plain,single", help="scenarios, joined by commas")
    arguments = parser.parse_args()
    console = Console(width=120)
    with alone():
        try:
            stack = up(STACK)
            for name in arguments.only.split(","):
                result = single_sends.run(console, stack, name, arguments.sends)
                answer = requests.get(stack["emulator_url"] + "/_openums/partitions", timeout=30)
                found = loads(answer.json()["partitions"], arguments.sends)
                _show(console, name, arguments.rate, result, found)
        finally:
            down(STACK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
