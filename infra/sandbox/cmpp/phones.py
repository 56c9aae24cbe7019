"""Phones that receive the parts of messages from the CMPP gateway."""

from __future__ import annotations

from collections import defaultdict

from chalicelib.providers.sms.cmpp.messages import Submit
from infra.sandbox import links
from infra.sandbox.accounts import Account
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.cmpp import rules
from infra.sandbox.vendor import Core


class Phones:
    """Phones that show a message once they have all its parts."""

    def __init__(self, core: Core, provider: str) -> None:
        self._core, self._provider = core, provider
        self._parts: defaultdict[tuple[str, str, int], dict[int, str]] = defaultdict(dict)

    def receive(self, account: Account, submit: Submit, number: str, identity: int) -> None:
        reference = submit.content[3] if submit.has_header else -1
        parts = self._parts[account.app_key, number, reference]
        parts[submit.part] = rules.text_of(submit)
        if len(parts) < submit.parts:
            return
        text = "".join(parts[part] for part in sorted(parts))
        del self._parts[account.app_key, number, reference]
        content = {
            "content": text,
            "from": submit.source,
            "format": submit.format,
            "parts": submit.parts,
        }
        self._core.log.receive(self._provider, number, f"{identity:016x}", content, "sms")
        if of(number) is Behaviour.CLICK:
            links.open_first(self._core.outbox, [text], 0.0)

    def clear(self) -> None:
        self._parts.clear()
