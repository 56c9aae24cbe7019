"""Data that the contract suite needs for each platform, and a bench to try a platform on.

The bench has a provider, the sandbox, and a transport that meddles between them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalicelib.domain.errors import ProviderError, Throttled, Unavailable
from chalicelib.domain.provider_io import Account, Answer, OutgoingCall, Recipient, WebhookRequest
from chalicelib.domain.templates import render
from chalicelib.ports import OwnRole, Provider, Session
from chalicelib.providers import registry
from chalicelib.providers.tokens import AccessTokens, MemoryTokens
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Request, Response
from chalicelib.web.transport import RequestsTransport
from infra.demo import platforms
from infra.demo.platforms import PLATFORMS
from tests.liveness import PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, Seen, Webhook

POLICY = Policy(("127.0.0.1",))
VALUES = {"name": "Ann Contract", "url": "https://shop.example/contract"}

_CARD = {
    "msgtype": "template_card",
    "template_card": {
        "card_type": "button_interaction",
        "main_title": {"title": "Hello {{name}}"},
        "button_list": [{"text": "Yes", "key": "yes"}],
    },
}


@dataclass(frozen=True)
class Entry:
    """Facts that differ between vendors.

    `sends`: part of the address of a request that sends, or an empty text without HTTP.
    """

    sends: str = ""
    throttled: type[ProviderError] = Throttled
    hints: bool = True  # the vendor tells when to try again
    flaky: type[ProviderError] = Unavailable
    # The content for tests of receipts, if it is not the platform's usual one.
    receipt_content: Mapping[str, Any] | None = None
    behaviour: str = "deliver"  # of the contact in tests of receipts
    unknown: tuple[str, str] | None = None  # a status in a receipt, and an unknown one
    posts: bool = True  # its own webhooks, where it has any
    # Refused credentials, for a platform whose sandbox has its own.
    wrong: Mapping[str, str] = field(default_factory=dict)


ENTRIES: Mapping[str, Entry] = {
    "jpush": Entry("/v3/push", unknown=('"type": 0', '"type": 77')),
    "jpush_private": Entry("/v3/push", unknown=('"type": 0', '"type": 77')),
    # Encrypted: an unknown status is in wechat/test_receipts.py.
    "wechatoa": Entry("/message/"),
    "wechatoa_component": Entry("/message/"),
    "wechatmp": Entry("/message/"),
    "wechatmp_component": Entry("/message/"),
    "jsms": Entry("/v1/messages/batch", unknown=("4001", "4999")),
    "chuanglan": Entry("/msg/", hints=False, unknown=("DELIVRD", "UNKNOWN")),
    "montnets": Entry(
        "/sms/v2/std/", hints=False, unknown=("%22status%22%3A0", "%22status%22%3A%22odd%22")
    ),
    # Without HTTP: other frames and lost answers are in sms/cmpp/test_link.py and test_gateway.py.
    "cmpp": Entry(hints=False),
    # Without HTTP: see email/test_smtp.py. Others post its reports: see email/test_bounces.py.
    "smtp": Entry(
        throttled=Unavailable,
        hints=False,
        posts=False,
        wrong={"username": "shop", "password": "wrong"},
    ),
    "ses": Entry("/outbound-emails", hints=False),
    "alipay": Entry("/gateway.do", hints=False),
    "dingtalk": Entry("/asyncsend_v2"),
    # Encrypted: see wecom/test_callbacks.py.
    "wecom": Entry("/message/send", receipt_content=_CARD, behaviour="click"),
    "wecom_linkedcorp": Entry("/message/send"),
}


class Meddler:
    """Implements Transport.

    A request to an address with `where` in it is answered with `says`. It is passed on before, if
    `passes_on` is set.
    """

    def __init__(self) -> None:
        self._inner = RequestsTransport(POLICY)
        self.where = ""
        self.says: Response | ProviderError | None = None
        self.passes_on = False

    def send(self, request: Request, timeout: float) -> Response:
        if self.says is None or self.where not in urlsplit(request.url).path:
            return self._inner.send(request, timeout)
        if self.passes_on:
            self._inner.send(request, timeout)
        if isinstance(self.says, ProviderError):
            raise self.says
        return self.says


@dataclass(frozen=True)
class Deps:
    """Dependencies like the registry's, with a transport of the test."""

    policy: Policy
    timeout: float
    tokens: AccessTokens
    http: Http
    role: OwnRole | None = None


class Bench:
    """One account of a platform at the sandbox, and a new provider."""

    def __init__(self, box: Sandbox, platform: str, hook: Webhook | None = None) -> None:
        self.box, self.platform = box, platform
        self.entry, self.at_sandbox = ENTRIES[platform], PLATFORMS[platform]
        self.mark = uuid.uuid4().hex[:8]
        self.code = f"{platform.replace('_', '')}{self.mark}"
        ports = {
            "sandbox_cmpp": box.about["cmpp_port"],
            "sandbox_smtp": {"smtp": box.about["smtp_port"]},
        }
        self.made = self.at_sandbox.make({"sandbox_url": box.url, **ports}, self.code, self.mark)
        self.credentials = dict(self.made.credentials)
        self.meddler, self.patience = Meddler(), PATIENCE
        self.provider = self.fresh()
        self._register(hook)

    def be_patient(self, seconds: float) -> None:
        """Wait for answers no longer than some seconds."""
        self.patience = seconds
        self.provider = self.fresh()

    def fresh(self) -> Provider:
        """Return a provider that holds no token."""
        self.tokens = AccessTokens(MemoryTokens(), sleep=lambda seconds: None)
        transport = Http(POLICY, self.patience, self.meddler)
        deps: Any = Deps(POLICY, self.patience, self.tokens, transport)
        return registry.make(self.platform, deps)

    def _register(self, hook: Webhook | None) -> None:
        if self.made.account is None:
            return
        url = hook.url if hook is not None else None
        account = {**self.made.account, "provider": self.at_sandbox.provider, "report_interval": 0}
        if self.made.above is None:
            self._ask("_sandbox/accounts", {**account, "webhook_url": url})
            return
        assert hook is not None, "a third-party platform is told its ticket by webhook"
        self._ask("_sandbox/accounts", {**account, "webhook_url": None})
        self._ask(
            "_sandbox/accounts",
            {**self.made.above, "provider": "wechat", "webhook_url": f"{hook.url}&appid=$APPID$"},
        )
        named = {"component": self.made.above["app_key"], "app_id": account["app_key"]}
        self.kept: dict[str, Any] = {}
        for what in ("ticket", "scan"):
            seen = len(hook.seen)
            self._ask(f"wechat/_console/{what}", named)
            eventually(lambda seen=seen: len(hook.seen) > seen)
            self.kept |= self.read(hook.seen[-1]).kept
        hook.seen.clear()
        self.remember()

    def remember(self) -> None:
        """Keep the webhook's tokens, for the tokens of the current provider."""
        for name, token in getattr(self, "kept", {}).items():
            self.tokens.keep(name, token)

    def _ask(self, path: str, body: Mapping[str, Any]) -> None:
        self.box.ask("POST", f"/{path}", json=body).raise_for_status()

    @property
    def account(self) -> Account:
        return Account(self.code, self.credentials, self.made.options)

    def contact(self, word: str = "deliver", number: int = 0) -> str:
        return platforms.contact(self.at_sandbox.type, self.mark, number, word)

    def content(self, raw: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        return render(raw or self.at_sandbox.content, VALUES)

    def call(
        self, *contacts: str, token: str | None = None, content: Mapping[str, Any] | None = None
    ) -> OutgoingCall:
        rendered = self.content(content)
        recipients = [
            Recipient(contact, rendered, f"m1.0.{n}") for n, contact in enumerate(contacts)
        ]
        return OutgoingCall("m1", recipients, token, {"platform": "all"})

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self.provider.connect(self.account) as session:
            yield session

    def send(self, *contacts: str, **more: Any) -> Answer:
        with self.session() as session:
            return session.send(self.call(*contacts, token=session.token(), **more))

    def meddle(
        self,
        says: Response | ProviderError | None,
        *,
        passes_on: bool = False,
        where: str | None = None,
    ) -> None:
        self.meddler.says, self.meddler.passes_on = says, passes_on
        self.meddler.where = self.entry.sends if where is None else where

    def sends(self, contact: str) -> int:
        return self.box.sends(contact)

    def read(self, seen: Seen, secret: Mapping[str, str] | None = None) -> Any:
        if secret is None:
            secret = self.provider.webhook_secret(self.credentials)
        return self.provider.read_webhook(received(seen), secret)

    def secrets(self) -> Sequence[str]:
        """Return the texts that must never be seen.

        Names of accounts are in every address, so they are left out.
        """
        names = ("secret", "password", "private_key", "token", "aes_key")
        return [str(value) for name, value in self.credentials.items() if name.endswith(names)]

    def with_wrong_credentials(self) -> None:
        """Replace every secret by a wrong one, and a key by another valid key."""
        other = self.at_sandbox.make(
            {"sandbox_url": "", "sandbox_cmpp": 0, "sandbox_smtp": {"smtp": 0}},
            self.code,
            self.mark,
        )
        self.credentials = {**other.credentials, **self.entry.wrong}


def received(seen: Seen, body: str | None = None, path: str | None = None) -> WebhookRequest:
    query = dict(parse_qsl(urlsplit(path or seen.path).query))
    return WebhookRequest(
        seen.method,
        seen.headers,
        query,
        (body if body is not None else seen.body).encode(),
        int(time.time() * 1000),
    )


def changed(seen: Seen, old: str, new: str) -> WebhookRequest:
    """Return the request with `old` replaced by `new`, in body and address."""
    assert old in seen.body or old in seen.path or old.replace(" ", "") in seen.body, seen
    for form in (old, old.replace(" ", "")):
        if form in seen.body or form in seen.path:
            return received(seen, seen.body.replace(form, new), seen.path.replace(form, new))
    raise AssertionError(seen)
