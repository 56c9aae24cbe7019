"""CMPP (China Mobile Peer to Peer, 2.0 and 3.0): SMS over connections that stay open.

A worker of its own keeps the connections (entrypoints/workers/cmpp.py). Source: "CMPP V3.0.0"
(QB-GF-028-2003). CMPP has no idempotency token: the operator chooses per channel what to do with a
SUBMIT whose answer did not come. A long message goes in parts. Each part has an id and a report of
its own. The message is delivered when all its parts are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, Misconfigured
from chalicelib.domain.provider_io import (
    Account,
    Capabilities,
    ClickReport,
    DeliveryReport,
    ProviderIds,
)
from chalicelib.domain.templates import without_placeholders
from chalicelib.ports import Session
from chalicelib.providers.base import PlainProvider, check_names, required_text
from chalicelib.providers.sms.cmpp import settings as cmpp_settings
from chalicelib.providers.sms.cmpp import text as cmpp_text
from chalicelib.providers.sms.cmpp.codec import MAX_NUMBERS
from chalicelib.providers.sms.cmpp.gateway import Gateway
from chalicelib.providers.sms.cmpp.group_ids import GroupIds
from chalicelib.providers.sms.cmpp.lines import Incoming, Line, Stream
from chalicelib.providers.sms.cmpp.session import CmppSession
from chalicelib.providers.sms.cmpp.settings import Settings
from chalicelib.providers.sms.cmpp.waits import USUAL, Waits
from chalicelib.web.egress import Policy

WORKER = "cmpp"


class Cmpp(PlainProvider):
    """Implements Provider."""

    capabilities = Capabilities(
        type=ChannelType.SMS,
        platform="cmpp",
        call_size=MAX_NUMBERS,
        content_per_recipient=False,
        provider_ids=ProviderIds.PER_RECIPIENT,
        delivery_report=DeliveryReport.REAL,
        click_report=ClickReport.LINK,
        receipt_delay=120,
        credentials=cmpp_settings.CREDENTIALS,
        options=cmpp_settings.OPTIONS,
        address="server",
        worker=WORKER,
        rate_of_deliveries=True,
        exchanges=2,
    )

    def __init__(self, policy: Policy, timeout: float = 10.0, waits: Waits = USUAL) -> None:
        self._policy, self._timeout, self._waits = policy, timeout, waits

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        cmpp_settings.check(raw, options)

    def check_content(self, content: Mapping[str, Any]) -> None:
        check_names(content, ("content",), "")
        text = without_placeholders(required_text(content, "content", limit=20_000))
        # No alphabet of a gateway needs fewer parts than GSM.
        if len(cmpp_text.parts(text, "gsm", 0)) > cmpp_text.MAX_PARTS:
            raise Invalid("content", "must fit into {most} SMS", most=cmpp_text.MAX_PARTS)

    @contextmanager
    def connect(self, account: Account) -> Iterator[Session]:
        """Open a connection for the length of the session.

        Reports on it stay unanswered, so the gateway repeats them on another connection.
        """
        settings = self.settings(account)
        line = replace(settings.line, connections=1)
        gateway = self.gateway(account.code, line, lambda incoming: None)
        gateway.start()
        try:
            yield CmppSession(gateway, settings, self._timeout)
        finally:
            gateway.stop()

    def settings(self, account: Account) -> Settings:
        """Read the settings. Raises Misconfigured for unusable ones."""
        try:
            return cmpp_settings.read(account)
        except (Invalid, KeyError) as error:
            raise Misconfigured("settings") from error

    def gateway(
        self,
        code: str,
        line: Line,
        take: Callable[[Incoming], None],
        group_ids: GroupIds | None = None,
    ) -> Gateway:
        """Build a gateway, not started yet."""
        return Gateway(code, line, lambda: self._dial(line), take, self._waits, group_ids)

    def _dial(self, line: Line) -> Stream:
        from chalicelib.web import tcp

        return tcp.dial(
            self._policy,
            line.server,
            line.port,
            ports=cmpp_settings.PORTS,
            timeout=self._timeout,
        )
