"""Clients of the OpenUMS API and the sandbox, for the demo, the benchmarks and the journeys.

The clients do the work of a user, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from chalicelib.providers import registry
from infra.demo.platforms import PLATFORMS, USUAL, Made, contact, field_of_user, new_mark

TIMEOUT = 30.0
USERS_PER_CALL = 1000
CACHED = 1.0  # seconds, SETTINGS_CACHE of the stages that run locally
SECRETS = frozenset(
    {
        "master_secret",
        "password",
        "app_secret",
        "secret",
        "private_key",
        "callback_token",
        "encoding_aes_key",
        "component_app_secret",
    }
)


class Failed(Exception):
    """An error answer, or a missing result."""


def _direct() -> requests.Session:
    """Return a session that looks for neither a proxy nor a `.netrc`, which takes time."""
    session = requests.Session()
    session.trust_env = False
    return session


@dataclass
class Api:
    """A caller of the API. `pair` is channel key and master secret, or access key and secret."""

    url: str
    pair: tuple[str, str]
    _http: requests.Session = field(default_factory=_direct, repr=False)

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self._http.request(
            method,
            self.url + path,
            json=body,
            auth=self.pair,
            timeout=TIMEOUT,
            allow_redirects=False,
        )

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Return the answer's body. Raises Failed unless it is a success."""
        answer = self.call(method, path, body)
        if not answer.ok:
            raise Failed(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return dict(answer.json())

    def send(
        self, userids: Sequence[str], template: int, values: Mapping[str, str], **more: Any
    ) -> str:
        body = {
            "aud_userid": list(userids),
            "template_id": template,
            "template_para": dict(values),
            "app_para": {"platform": "all"},
            **more,
        }
        return str(self.ask("POST", "/v1/template/sent", body)["msgid"])

    def message(self, msgid: str) -> dict[str, Any]:
        return self.ask("GET", f"/v1/messages/{msgid}")

    def target(self, msgid: str, userid: str) -> dict[str, Any]:
        return self.ask("GET", f"/v1/messages/{msgid}/targets/{userid}")


@dataclass
class Sandbox:
    url: str

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", timeout=TIMEOUT, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def register(
        self, provider: str, app_key: str, webhook_url: str | None, **options: Any
    ) -> None:
        self._ask(
            "POST",
            "accounts",
            json={"provider": provider, "app_key": app_key, "webhook_url": webhook_url, **options},
        )

    def console(self, provider: str, what: str, **body: Any) -> None:
        """Act as a person in a provider's own console."""
        url = f"{self.url}/{provider}/_console/{what}"
        requests.post(url, json=body, timeout=TIMEOUT).raise_for_status()

    def write_back(self, provider: str, app_key: str, contact: str, text: str) -> None:
        """Let a person answer an SMS."""
        self._ask(
            "POST",
            "replies",
            json={"provider": provider, "app_key": app_key, "contact": contact, "text": text},
        )

    def receipts(self) -> dict[str, dict[str, int]]:
        """Return `pending`, `posted` and `failed` by provider, and for opened links."""
        return dict(self._ask("GET", "receipts"))

    def sends(self, provider: str) -> dict[str, int]:
        """Return the number of real sends to each contact."""
        return dict(self._ask("GET", "sends", params={"provider": provider}))

    def calls(self, provider: str, contact: str = "") -> dict[str, Any]:
        return dict(self._ask("GET", "calls", params={"provider": provider, "contact": contact}))

    def inbox(self, contact: str) -> list[dict[str, Any]]:
        return list(self._ask("GET", "inbox", params={"contact": contact})["messages"])


# What the demo's delivery channels cost, in the currency of the stack.
PRICES: Mapping[str, Mapping[str, Any]] = {
    "sms": {"price": 0.045, "prefixes": {"+86170": 0.05, "+852": 0.32}},
    "email": {"price": 0.002},
    "wechatoa": {"price": 0.001},
}


@dataclass
class Shop:
    """A business line that sends: an access channel with a delivery channel for each type.

    `options` are the sandbox account's, by platform. `settings` are the delivery channel's, by
    channel type. `platforms` has the unusual platforms, by channel type.
    """

    stack: Mapping[str, Any]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    kinds: Sequence[str] = ("app", "sms", "email")
    platforms: Mapping[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=new_mark)

    def __post_init__(self) -> None:
        self.admin = Api(
            self.stack["api_url"], (self.stack["access_key"], self.stack["access_secret"])
        )
        self.sandbox = Sandbox(self.stack["sandbox_url"])
        made = self.admin.ask("POST", "/admin/v1/access-channels", {"name": f"shop {self.mark}"})
        self.key, self.secret = made["channel_key"], made["master_secret"]
        self.api = Api(self.stack["api_url"], (self.key, self.secret))
        self.provider_secrets: list[str] = []  # must never appear anywhere again
        self.accounts: dict[str, Mapping[str, Any]] = {}  # accounts at the sandbox, by channel type
        self.channels = {kind: self._channel(kind) for kind in self.kinds}
        self.known_from = time.monotonic() + CACHED

    def code(self, kind: str) -> str:
        return f"{kind.replace('_', '')}{self.mark}"

    def platform(self, kind: str) -> str:
        return self.platforms.get(kind, USUAL[kind])

    def provider(self, kind: str) -> str:
        """Return the sandbox's name of the provider."""
        return PLATFORMS[self.platform(kind)].provider

    def _channel(self, kind: str) -> dict[str, Any]:
        platform, code = self.platform(kind), self.code(kind)
        settings = dict(self.settings.get(kind, {}))
        made = PLATFORMS[platform].make(self.stack, code, self.mark)
        self.provider_secrets += [
            str(value) for name, value in made.credentials.items() if name in SECRETS
        ]
        if "webhook" in registry.capabilities()[platform].receipt_modes:
            settings.setdefault("receipts", "webhook")
        body = {
            "name": f"{kind} {self.mark}",
            "code": code,
            "type": kind,
            "platform": platform,
            # The real provider's limit would hide this machine's speed.
            "calls_per_second": 0,
            "credentials": made.credentials,
            **settings,
            "options": {**made.options, **settings.get("options", {})},
        }
        channel = self.admin.ask("POST", "/admin/v1/channels", body)
        self._register(kind, made, channel)
        authorised = f"/admin/v1/access-channels/{self.key}/channels/{code}"
        self.admin.ask("PUT", authorised, {"enabled": True})
        return channel

    def _register(self, kind: str, made: Made, channel: Mapping[str, Any]) -> None:
        """Register account and webhook, as an operator does in the provider's console."""
        if made.account is None:
            return
        webhook = channel["webhook_url"] if channel["receipts"] == "webhook" else None
        self.accounts[kind] = {
            "provider": self.provider(kind),
            "webhook_url": webhook,
            **made.account,
        }
        if made.above is not None:
            self.accounts[kind] = {**self.accounts[kind], "webhook_url": None}
            self._authorise(made, channel["code"], f"{webhook}?appid=$APPID$")
        self.register(kind)

    def close(self) -> None:
        """Delete the delivery channels, which ends the polls for their receipts."""
        for code in map(self.code, self.channels):
            for path in (
                f"/admin/v1/access-channels/{self.key}/channels/{code}",
                f"/admin/v1/channels/{code}",
            ):
                answer = self.admin.call("DELETE", path)
                if not answer.ok:
                    raise Failed(f"DELETE {path}: {answer.status_code} {answer.text[:500]}")

    def register(self, kind: str, **options: Any) -> None:
        """Register the account with other options. The provider's access token ends by it."""
        options = {**self.options.get(self.platform(kind), {}), **options}
        self.sandbox.register(**self.accounts[kind], **options)

    def _authorise(self, made: Made, code: str, webhook: str) -> None:
        """Give a third-party platform its ticket, and let the account's administrator scan.

        The QR code is that of the authorisation page.
        """
        above, account = made.above or {}, made.account or {}
        self.sandbox.register(**{"provider": "wechat", "webhook_url": webhook, **above})
        self.sandbox.console("wechat", "ticket", component=above["app_key"])
        pre_auth_code = parse_qs(urlsplit(self._page_of(code)).query)["pre_auth_code"][0]
        self.sandbox.console(
            "wechat",
            "scan",
            component=above["app_key"],
            app_id=account["app_key"],
            pre_auth_code=pre_auth_code,
        )

    def _page_of(self, code: str) -> str:
        """Return the authorisation page, which exists once the ticket has come."""
        path, body = (
            f"/admin/v1/channels/{code}/authorisation",
            {"redirect_uri": "https://shop.example/"},
        )
        until = time.monotonic() + TIMEOUT
        while True:
            answer = self.admin.ask("POST", path, body)
            if answer["link"]:
                return str(answer["link"])
            if time.monotonic() > until:
                raise Failed(f"authorisation page missing: {answer}")
            time.sleep(0.5)

    def put_file(self, form: Mapping[str, Any], content: bytes) -> int:
        """Upload a file by the form of an import, as a browser does. Return the bucket's status."""
        return requests.post(
            form["url"], data=form["fields"], files={"file": ("file", content)}, timeout=TIMEOUT
        ).status_code

    def template(self, **contents: Mapping[str, Any]) -> int:
        """Return a new template's id, once every function knows the channels, too."""
        time.sleep(max(0.0, self.known_from - time.monotonic()))
        body = {"channel_key": self.key, "name": f"template {self.mark}", "contents": contents}
        return int(self.admin.ask("POST", "/admin/v1/templates", body)["template_id"])

    def strategy(self, *steps: Mapping[str, Any]) -> int:
        body = {"channel_key": self.key, "name": f"strategy {self.mark}", "steps": list(steps)}
        return int(self.admin.ask("POST", "/admin/v1/strategies", body)["rule_id"])

    def contact(self, kind: str, number: int, behaviour: str = "deliver") -> str:
        """Return the contact of a numbered person. Its end tells the sandbox the behaviour."""
        return contact(kind, self.mark, number, behaviour)

    def user(self, userid: str, **contacts: str | Sequence[str]) -> dict[str, Any]:
        """Return a body for `POST /v1/user/opt`. Contacts are by channel type. Omit empty ones."""
        fields: dict[str, Any] = {}
        for kind, values in contacts.items():
            if values:
                listed = [values] if isinstance(values, str) else list(values)
                name, value = field_of_user(kind, self.code(kind), listed)
                fields[name] = value
        return {"userid": userid, "set": fields}

    def contents(self, *kinds: str) -> dict[str, Mapping[str, Any]]:
        """Return contents for these channel types, or all, with the variables `name` and `url`."""
        return {kind: PLATFORMS[self.platform(kind)].content for kind in kinds or self.kinds}

    def upload(self, users: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(users), USERS_PER_CALL):
            answer = self.admin.ask(
                "POST", "/v1/user/opt", list(users[start : start + USERS_PER_CALL])
            )
            if answer["data"]["fail"]:
                raise Failed(f"users: {answer['data']['fail'][:3]}")
