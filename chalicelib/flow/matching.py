"""Find the submissions of receipts. A receipt whose submission is not recorded yet is parked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from chalicelib import observability
from chalicelib.domain.provider_io import Receipt, reported_name
from chalicelib.flow import nonces, provider_ids
from chalicelib.flow.content import references
from chalicelib.observability import log
from chalicelib.ports import Lookup, Nonce, World

PARKED_SECONDS = 86400

Matches = tuple[list[Receipt], dict[str, Lookup]]  # of a channel: receipts, and lookups by id


def match(
    world: World, codes: Sequence[str], receipts: Sequence[Receipt], nonce: Nonce | None = None
) -> tuple[Mapping[str, Matches], Sequence[Receipt]]:
    """Return the receipts whose submission is recorded on one of these channels, and the others.

    A receipt belongs to the first channel that knows its id. The others are parked for all.
    Raises Unverified if the nonce of their post came with another body.
    """
    matches: dict[str, Matches] = {}
    left = receipts
    for code in codes:
        lookups = _lookups(world, code, left, nonce)
        matches[code] = [receipt for receipt in left if receipt.provider_id in lookups], lookups
        left = [receipt for receipt in left if receipt.provider_id not in lookups]
    return matches, _match_late(world, matches, left) if left else ()


def _lookups(
    world: World, code: str, receipts: Sequence[Receipt], nonce: Nonce | None
) -> dict[str, Lookup]:
    """Return the lookups of ids as they are."""
    ids = tuple(dict.fromkeys(receipt.provider_id for receipt in receipts))
    lookups = references.lookups(world.vault, code, ids)
    left = tuple(id for id in ids if id not in lookups)
    return lookups | dict(nonces.lookups(world, code, left, nonce))


def _match_late(
    world: World, matches: Mapping[str, Matches], receipts: Sequence[Receipt]
) -> Sequence[Receipt]:
    """Park receipts, add those that match under any of their names, and return the others.

    A worker that wrote a lookup after the first reading has looked for parked receipts before
    these were parked. A told id goes before a derived one, whichever channel has it. If the told
    one is recorded later, its worker finds the receipt parked.
    """
    names = {receipt: provider_ids.names(world.vault, receipt) for receipt in receipts}
    for code, (_, lookups) in matches.items():
        _park(world, code, receipts)
        ids = tuple(dict.fromkeys(chain.from_iterable(names.values())))
        lookups |= world.lookups.get(code, ids, fresh=True)
    left: list[Receipt] = []
    for receipt in receipts:
        places = [
            (of_channel, name)
            for name in names[receipt]
            for of_channel, lookups in matches.values()
            if name in lookups
        ]
        if places:
            of_channel, name = places[0]
            of_channel.append(replace(receipt, provider_id=name))
        else:
            left.append(receipt)
    for code in matches if left else ():
        log.info("receipts_parked", extra={"channel": code, "receipts": len(left)})
        observability.metric("receipts_parked", len(left))
    return left


def _park(world: World, code: str, receipts: Iterable[Receipt]) -> None:
    """Park receipts under hashes of their ids, which tell nobody a contact."""
    by_name: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        name = provider_ids.hidden(world.vault, receipt.provider_id)
        by_name.setdefault(name, []).append(replace(receipt, provider_id=name))
    world.lookups.park(code, by_name, world.clock.now() // 1000 + PARKED_SECONDS)


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
