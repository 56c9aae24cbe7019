"""Add to a mail what it carries besides its content.

That is a link to unsubscribe with one click (RFC 8058), and a picture. The picture shows that the
mail was opened.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace

from chalicelib.domain import channel_options
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.email import is_html
from chalicelib.domain.errors import Forged, ForgedToken
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Recipient
from chalicelib.domain.templates import Content
from chalicelib.flow import preferences, suppressions
from chalicelib.flow.content import references, render
from chalicelib.flow.preferences import Person
from chalicelib.ports import Vault, World

_CONTEXT = "unsubscribe"
PREFERENCES = "订阅 / Preferences"
LONGEST = 1024  # characters of a token
_BODY_END = re.compile(r"</body\s{0,9}>", re.IGNORECASE)
_OTHERS = re.compile(r"[^A-Za-z0-9_-]")  # characters that no token has


def with_extras(
    world: World,
    channel: Channel,
    message: Message,
    chunk: ChunkId,
    ref: DeliveryRef,
    recipient: Recipient,
    target: str = "",
) -> Recipient:
    """Return the recipient with the extras of the delivery channel's options, in mails only.

    A mail of a topic ends with a link to the preferences of its target.
    """
    if channel.type is not ChannelType.EMAIL:
        return recipient
    recipient = replace(recipient, reference=references.make(world.vault, chunk, ref))
    options, base = channel_options.of(channel.options), world.limits.public_url
    if message.topic:
        userid = "" if message.audience.kind is AudienceKind.CONTACTS else target
        person = Person(
            *(message.channel_key, userid, channel.type, recipient.contact), message.template[0]
        )
        address = f"{base}/p/{preferences.token(world.vault, person)}"
        recipient = replace(recipient, content=_with_preferences(recipient.content, address))
    text = recipient.content.get("text")
    if options.track_opens and isinstance(text, str) and is_html(recipient.content):
        token = render.open_token(world.vault, message, chunk, ref)
        with_picture = _with_picture(text, f"{base}/o/{token}")
        recipient = replace(recipient, content={**recipient.content, "text": with_picture})
    if options.offers_way_out(message.priority):
        sealed = (channel.type, message.channel_key, recipient.contact, message.template[0])
        token = unsubscribe_token(world.vault, *sealed)
        recipient = replace(recipient, unsubscribe=f"{base}/u/{token}")
    return recipient


def _with_preferences(content: Content, address: str) -> Content:
    """Return a mail's content with a link to the reader's preferences at its end."""
    line, changed = f"\n\n{PREFERENCES}: {address}", dict(content)
    text, plain = content.get("text"), content.get("plain_text")
    if isinstance(text, str):
        link = f'<p><a href="{address}">{PREFERENCES}</a></p>'
        changed["text"] = _at_the_end(text, link) if is_html(content) else text + line
    if isinstance(plain, str) and plain:
        changed["plain_text"] = plain + line
    return changed


def _at_the_end(text: str, addition: str) -> str:
    at = max((end.start() for end in _BODY_END.finditer(text)), default=len(text))
    return f"{text[:at]}{addition}{text[at:]}"


def _with_picture(text: str, address: str) -> str:
    picture = f'<img src="{address}" width="1" height="1" alt="" style="border:0;opacity:0">'
    return _at_the_end(text, picture)


def unsubscribe_token(
    vault: Vault, kind: ChannelType, channel_key: str, contact: str, template: int = 0
) -> str:
    """Seal the contact in a token, which needs no history: mails are read long after it is gone."""
    raw = json.dumps(
        [kind.value, channel_key, contact, *([template] if template else [])],
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(vault.seal(raw, _CONTEXT)).decode().rstrip("=")


def _read_token(vault: Vault, token: str) -> tuple[ChannelType, str, str, int]:
    """Return channel type, channel key, contact, and the number of the mail's template.

    Raises ForgedToken for a token that was not made here. Some mail programs take words behind
    the link into the address. These words are ignored.
    """
    token = _OTHERS.split(token, 1)[0]
    try:
        if len(token) > LONGEST:
            raise ValueError("too long")
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        opened = vault.open(sealed, _CONTEXT)
    except (ValueError, Forged):
        raise ForgedToken("link") from None
    kind, channel_key, contact, *more = json.loads(opened.decode("utf-8", "surrogatepass"))
    return ChannelType(kind), channel_key, contact, more[0] if more else 0


def check_token(world: World, token: str) -> None:
    """Raise ForgedToken for a token that we did not make."""
    _read_token(world.vault, token)


def unsubscribe(world: World, token: str) -> None:
    """Opt the contact out of the access channel that sent the mail. Raises ForgedToken.

    Safe to repeat.
    """
    kind, channel_key, contact, template = _read_token(world.vault, token)
    now = world.clock.now()
    suppressions.set_opt_out(
        *(world, kind, contact, [channel_key]),
        out=True,
        time=now,
        code="one_click",
        template=template,
    )


def record_opening(world: World, token: str) -> None:
    """Record once that a mail's picture was fetched.

    Raises ForgedToken for a token that we did not make.
    """
    link = render.read_link(world.vault, token, render.OPEN)
    message = world.messages.get(link.chunk.msgid)
    plan = world.ledger.plan(link.chunk, message) if message else None
    if message is not None and plan is not None:  # else its history has expired
        ref = DeliveryRef(link.target, sorted(message.channels)[link.channel], link.contact)
        fact = Fact(ref, FactKind.OPENED, world.clock.now(), "", "picture")
        if world.ledger.add_click(link.chunk, fact, message):
            suppressions.record_visit(world, message, plan, ref, fact.time)
