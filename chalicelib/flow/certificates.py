"""Images of certificates on their way to a provider: one sealed file for each order.

The file is written before its order, and deleted when the provider was asked. One that nobody
deletes expires after a day.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Rejected
from chalicelib.domain.third_party import Draft, Order
from chalicelib.ports import World

GONE = "images_gone"  # the code of a request whose images are not there any more


def apart(world: World, type: ChannelType, id: str, order: Order) -> Order:
    """Keep the images of an order's draft. Return the order without them, with their number."""
    if order.draft is None or not order.draft.images:
        return order
    images = order.draft.images
    _write(world, type, id, images)
    return replace(order, draft=replace(order.draft, images=()), images=len(images))


def together(world: World, type: ChannelType, id: str, order: Order, draft: Draft) -> Draft:
    """Return an order's draft with its images. Raise Rejected if they are gone."""
    if not order.images:
        return draft
    sealed = world.files.read(_key(type, id))
    if sealed is None:
        raise Rejected(GONE)
    texts = json.loads(world.vault.open(sealed, _context(id)))
    return replace(draft, images=tuple(base64.b64decode(text) for text in texts))


def drop(world: World, type: ChannelType, id: str, order: Order) -> None:
    if order.images:
        world.files.delete(_key(type, id))


def _write(world: World, type: ChannelType, id: str, images: Sequence[bytes]) -> None:
    plain = json.dumps([base64.b64encode(image).decode() for image in images]).encode()
    sealed = world.vault.seal(plain, _context(id))
    world.files.write(_key(type, id), sealed, "application/octet-stream")


def _key(type: ChannelType, id: str) -> str:
    return f"certificates/{type}/{id}"


def _context(id: str) -> str:
    return keys.join("certificates", id)
