"""Deliveries that go in several parts, each with a report of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.provider_io import Receipt, ReceiptKind, names_of
from chalicelib.ports import Lookup, World

PARTS_SECONDS = 3 * 86400  # for which the report of one part waits for those of the others


def whole(
    world: World, code: str, receipts: Sequence[Receipt], lookups: Mapping[str, Lookup]
) -> Sequence[Receipt]:
    """Replace the receipts of delivered parts by one for each delivery that is complete.

    A delivery that went in parts is delivered when each of them is, and failed when one is.
    Delivered parts are kept as parked receipts, under a name that is not a provider's id. The
    worker that adds the last one reads all.
    """
    partly = [
        receipt
        for receipt in receipts
        if receipt.kind is ReceiptKind.DELIVERED and lookups[receipt.provider_id].parts
    ]
    if not partly:
        return receipts
    groups: dict[str, list[Receipt]] = {}
    for receipt in partly:
        groups.setdefault(_group(lookups[receipt.provider_id]), []).append(receipt)
    world.lookups.park(code, groups, world.clock.now() // 1000 + PARTS_SECONDS)
    times: dict[str, int] = {}
    for receipt in world.lookups.parked(code, tuple(groups)):
        times[receipt.provider_id] = min(receipt.time, times.get(receipt.provider_id, receipt.time))
    complete = [receipt for receipt in receipts if receipt not in partly]
    for first, *_ in groups.values():
        last = _last(lookups[first.provider_id], times)
        if last is not None:
            complete.append(replace(first, time=last))
    return complete


def _group(lookup: Lookup) -> str:
    return "parts " + lookup.parts[0]


def _last(lookup: Lookup, times: Mapping[str, int]) -> int | None:
    """Return the time when the last part was delivered, None while one is not.

    Two parts may share a name. Its report is of one of them.
    """
    reported = [{name for name in names_of(part) if name in times} for part in lookup.parts]
    if not all(reported) or len(set().union(*reported)) < len(reported):
        return None
    return max(min(times[name] for name in names) for names in reported)
