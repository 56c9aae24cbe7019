"""Find the submissions of receipts. A receipt whose submission is not recorded yet is parked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from chalicelib import observability
from chalicelib.domain.provider_io import Receipt, derived_name, reported_name
from chalicelib.flow import nonces, provider_ids
from chalicelib.flow.content import references
from chalicelib.observability import log
from chalicelib.ports import Lookup, Nonce, World

PARKED_SECONDS = 86400


def match(
    world: World, code: str, receipts: Sequence[Receipt], nonce: Nonce | None = None
) -> tuple[Sequence[Receipt], Mapping[str, Lookup]]:
    """Return the receipts whose submission is recorded, and their lookups. Park the others.

    Raises Unverified if the nonce of their post came with another body.
    """
    receipts = _with_derived_ids(world, code, receipts)
    ids = tuple(dict.fromkeys(receipt.provider_id for receipt in receipts))
    lookups = references.lookups(world.vault, code, ids)
    left = tuple(id for id in ids if id not in lookups)
    lookups |= nonces.lookups(world, code, left, nonce)
    matched = [receipt for receipt in receipts if receipt.provider_id in lookups]
    missing = [receipt for receipt in receipts if receipt.provider_id not in lookups]
    if missing:
        _park(world, code, missing)
        # A worker that wrote a lookup after our first reading has looked for parked receipts
        # before we parked ours.
        names = {receipt: provider_ids.names(world.vault, receipt) for receipt in missing}
        lookups |= world.lookups.get(code, [*chain.from_iterable(names.values())], fresh=True)
        late = [
            replace(receipt, provider_id=next(name for name in names[receipt] if name in lookups))
            for receipt in missing
            if not lookups.keys().isdisjoint(names[receipt])
        ]
        matched += late
        unmatched = len(missing) - len(late)
        log.info("receipts_parked", extra={"channel": code, "receipts": unmatched})
        observability.metric("receipts_parked", unmatched)
    return matched, lookups


def _park(world: World, code: str, receipts: Iterable[Receipt]) -> None:
    """Park receipts under hashes of their ids, which tell nobody a contact."""
    by_name: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        name = provider_ids.hidden(world.vault, receipt.provider_id)
        by_name.setdefault(name, []).append(replace(receipt, provider_id=name))
    world.lookups.park(code, by_name, world.clock.now() // 1000 + PARKED_SECONDS)


def _with_derived_ids(world: World, code: str, receipts: Sequence[Receipt]) -> Sequence[Receipt]:
    """Replace an id that nobody was told by the derived one, if a submission has it."""
    uncertain = {receipt.provider_id for receipt in receipts if receipt.may_be_derived}
    if not uncertain:
        return receipts
    missing = sorted(uncertain - world.lookups.get(code, sorted(uncertain)).keys())
    submitted = world.lookups.get(code, list(map(derived_name, missing))) if missing else {}
    by_id = {id: derived_name(id) for id in missing if derived_name(id) in submitted}
    return [
        replace(receipt, provider_id=by_id.get(receipt.provider_id, receipt.provider_id))
        if receipt.may_be_derived
        else receipt
        for receipt in receipts
    ]


def known(
    world: World, code: str, receipts: Sequence[Receipt], *, derived: bool
) -> tuple[Sequence[Receipt], Sequence[Receipt]]:
    """Return the receipts whose submission is recorded on a channel, and the others.

    `derived`: an id may also be one that was derived.
    """
    named = _with_derived_ids(world, code, receipts) if derived else receipts
    lookups = world.lookups.get(code, [receipt.provider_id for receipt in named])
    pairs = list(zip(receipts, named, strict=True))
    return (
        [receipt for _, receipt in pairs if receipt.provider_id in lookups],
        [receipt for receipt, other in pairs if other.provider_id not in lookups],
    )


def parked(world: World, submitted: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[Receipt]]:
    """Return what is parked for these ids of submissions, by channel, under these ids."""
    ids = {
        code: {provider_ids.hidden(world.vault, id): id for id in map(reported_name, of_channel)}
        for code, of_channel in submitted.items()
    }
    names = {code: tuple(of_channel) for code, of_channel in ids.items()}
    return {
        code: [replace(receipt, provider_id=ids[code][receipt.provider_id]) for receipt in receipts]
        for code, receipts in world.lookups.parked_of(names).items()
    }
