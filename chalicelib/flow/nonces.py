"""Nonces of posts, each of which goes with one body only.

Some vendors sign nonce and time but not the body. So a captured signature must not vouch for
another body. The nonce of a post with receipts alone takes no request of its own: it is read
with their lookups, and written with their facts. A post that fails leaves its nonce unused, and
comes again with the same body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain.errors import Unverified
from chalicelib.domain.facts import Fact
from chalicelib.domain.messages import Retention
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Webhook, WebhookRequest
from chalicelib.ports import Lookup, Nonce, World

SECONDS = 2 * 86400


def begin(world: World, code: str, webhook: Webhook, request: WebhookRequest) -> Nonce | None:
    """Use the nonce of a post, or return it to be used with the post's receipts.

    Raises Unverified if it came with another body before.
    """
    if not webhook.nonce:
        return None
    digest = world.vault.mac("nonce", request.body).hex()
    nonce = Nonce(code, webhook.nonce, digest, request.now // 1000 + SECONDS)
    if _has_receipts_alone(webhook):
        return nonce
    _use(world, nonce)
    return None


def _has_receipts_alone(webhook: Webhook) -> bool:
    others = (webhook.replies, webhook.contacts, webhook.kept, webhook.reviews)
    return bool(webhook.receipts) and not any(others) and webhook.authorised is None


def lookups(
    world: World, code: str, ids: Sequence[str], nonce: Nonce | None
) -> Mapping[str, Lookup]:
    """Return the lookups of ids. Raises Unverified as `begin` does."""
    if nonce is None:
        return world.lookups.get(code, ids) if ids else {}
    known = world.lookups.of_post(nonce, ids)
    if known is None:
        raise _refusal()
    return known


def add(
    world: World,
    bundles: Sequence[tuple[ChunkId, Sequence[Fact], Retention]],
    nonce: Nonce | None,
) -> None:
    """Add facts, and use the nonce. Without a fact it is used as `begin` does."""
    if nonce is None:
        world.ledger.add_all(bundles)
    elif any(facts for _, facts, _ in bundles):
        world.recordings.add(bundles, nonce)
    else:
        _use(world, nonce)


def _use(world: World, nonce: Nonce) -> None:
    if not world.lookups.use_nonce(nonce):
        raise _refusal()


def _refusal() -> Unverified:
    return Unverified("the nonce was used with another body")
