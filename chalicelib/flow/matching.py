"""Find the submissions of receipts. A receipt whose submission is not recorded yet is parked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from chalicelib import observability
from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.jobs import Envelope, ReceiptsJob
from chalicelib.domain.provider_io import Receipt, reported_name
from chalicelib.domain.values import frozen
from chalicelib.flow import nonces, provider_ids, validity
from chalicelib.flow.content import references
from chalicelib.observability import log
from chalicelib.ports import Lookup, Nonce, World

PARKED_SECONDS = 86400
# A submission is prompt if its lookup is written within so many ms from the start of its call.
# Then its worker does not look for parked receipts. No receipt comes before the call. So whoever
# parks one finds the lookup when so many seconds are over.
PROMPT = 2000
LOOK_AGAIN = 4
NAMES = 100  # of a job that looks again

Matches = tuple[list[Receipt], dict[str, Lookup]]  # of a channel: receipts, and lookups by id


@frozen
class Unmatched:
    """Receipts that are parked, and the jobs that look for their submissions again."""

    receipts: Sequence[Receipt] = ()
    jobs: Sequence[Envelope] = ()


def match(
    world: World, codes: Sequence[str], receipts: Sequence[Receipt], nonce: Nonce | None = None
) -> tuple[Mapping[str, Matches], Unmatched]:
    """Return the receipts whose submission is recorded on one of these channels, and the others.

    A receipt belongs to the first channel that knows its id. The others are parked for all. Their
    jobs are still to be sent.
    Raises Unverified if the nonce of their post came with another body.
    """
    matches: dict[str, Matches] = {}
    left = receipts
    for code in codes:
        lookups = _lookups(world, code, left, nonce)
        matches[code] = [receipt for receipt in left if receipt.provider_id in lookups], lookups
        left = [receipt for receipt in left if receipt.provider_id not in lookups]
    return matches, _match_late(world, matches, left) if left else Unmatched()


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
) -> Unmatched:
    """Park receipts, add those that match under any of their names, and return the others.

    A worker that wrote a lookup after the first reading does not find them any more: it has looked
    for parked receipts before these were parked, or does not look.
    """
    posts = {code: _park(world, code, receipts) for code in matches}
    left = _match_by_any_name(world, matches, receipts)
    names = {provider_ids.hidden(world.vault, receipt.provider_id) for receipt in left}
    jobs: list[Envelope] = []
    for code in matches if left else ():
        log.info("receipts_parked", extra={"channel": code, "receipts": len(left)})
        observability.metric("receipts_parked", len(left))
        unmatched = {name: post for name, post in posts[code].items() if name in names}
        jobs += _jobs(world, code, unmatched)
    return Unmatched(left, jobs)


def _match_by_any_name(
    world: World, matches: Mapping[str, Matches], receipts: Sequence[Receipt]
) -> list[Receipt]:
    """Add the receipts that match under any of their names, and return the others.

    A told id goes before a derived one, whichever channel has it. If the told one is recorded
    later, its worker finds the receipt parked.
    """
    names = {receipt: provider_ids.names(world.vault, receipt) for receipt in receipts}
    for code, (_, lookups) in matches.items():
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
    return left


def _park(world: World, code: str, receipts: Iterable[Receipt]) -> Mapping[str, str]:
    """Park receipts under hashes of their ids, which tell nobody a contact.

    Return the name of what is parked under each hash.
    """
    by_name: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        name = provider_ids.hidden(world.vault, receipt.provider_id)
        by_name.setdefault(name, []).append(receipt)
    return world.lookups.park(code, by_name, world.clock.now() // 1000 + PARKED_SECONDS)


def _jobs(world: World, code: str, posts: Mapping[str, str]) -> list[Envelope]:
    """Build jobs that look again for the submissions of parked receipts.

    There is none where nothing submits promptly. They stay out of the queue of verification codes,
    since another system may send a broadcast over the account.
    """
    channel = world.settings.channel(code)
    if channel is None or not looks_again(world, channel):
        return []
    names = tuple(posts)
    parts = [names[start : start + NAMES] for start in range(0, len(names), NAMES)]
    jobs = [ReceiptsJob(code, {name: posts[name] for name in part}) for part in parts]
    return [Envelope(job, Priority.MEDIUM, channel.type, code, LOOK_AGAIN) for job in jobs]


def looks_again(world: World, channel: Channel) -> bool:
    """Tell if a job looks for the submissions of receipts that were parked on a channel."""
    capabilities = world.providers.of(channel.platform).capabilities
    return not capabilities.worker and not validity.not_served(world, capabilities)


def match_parked(world: World, job: ReceiptsJob) -> Matches:
    """Return the parked receipts of a job whose submission is recorded by now."""
    matches: dict[str, Matches] = {job.channel: ([], {})}
    _match_by_any_name(world, matches, world.lookups.parked_by(job.channel, job.posts))
    return matches[job.channel]


def parked(world: World, submitted: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[Receipt]]:
    """Return what is parked for these ids of submissions, by channel, under these ids."""
    ids = {
        code: {provider_ids.hidden(world.vault, id): id for id in map(reported_name, of_channel)}
        for code, of_channel in submitted.items()
    }
    names = {code: tuple(of_channel) for code, of_channel in ids.items()}

    def submitted_as(receipt: Receipt, code: str) -> Receipt:
        name = provider_ids.hidden(world.vault, receipt.provider_id)
        return replace(receipt, provider_id=ids[code][name])

    return {
        code: [submitted_as(receipt, code) for receipt in receipts]
        for code, receipts in world.lookups.parked_of(names).items()
    }
