"""Our own HTTP API and the sandbox's, as the demo, the benchmark and the journeys use them: what a user would do, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

TIMEOUT = 30.0
USERS_PER_CALL = 1000


class Failed(Exception):
    """An answer that is no success."""


@dataclass
class Api:
    """One caller of the API. `pair`: channel key and master secret, or access key and secret."""

    url: str
    pair: tuple[str, str]
    _http: requests.Session = field(default_factory=requests.Session, repr=False)

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self._http.request(method, self.url + path, json=body, auth=self.pair, timeout=TIMEOUT, allow_redirects=False)

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer's body; raises Failed unless it is a success."""
        answer = self.call(method, path, body)
        if not answer.ok:
            raise Failed(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        found: dict[str, Any] = answer.json()
        return found

    def send(self, userids: Sequence[str], template: int, values: Mapping[str, str], **more: Any) -> str:
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

    def register(self, provider: str, credentials: Mapping[str, str], webhook: str | None, **options: Any) -> None:
        self._ask("POST", "accounts", json={"provider": provider, **credentials, "webhook_url": webhook, **options})

    def sends(self, provider: str) -> dict[str, int]:
        """How often each contact was really sent to."""
        return dict(self._ask("GET", "sends", params={"provider": provider}))

    def calls(self, provider: str, contact: str = "") -> dict[str, Any]:
        return dict(self._ask("GET", "calls", params={"provider": provider, "contact": contact}))

    def inbox(self, contact: str) -> list[dict[str, Any]]:
        return list(self._ask("GET", "inbox", params={"contact": contact})["messages"])


@dataclass
class Shop:
    """A business line that sends: an access channel of its own with a delivery channel for each type, at the sandbox."""

    stack: Mapping[str, Any]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of the sandbox's account, by provider
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of the delivery channel, by channel type
    kinds: Sequence[str] = ("app", "sms", "email")
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def __post_init__(self) -> None:
        self.admin = Api(self.stack["api_url"], (self.stack["access_key"], self.stack["access_secret"]))
        self.sandbox = Sandbox(self.stack["sandbox_url"])
        made = self.admin.ask("POST", "/admin/v1/access-channels", {"name": f"shop {self.mark}"})
        self.key, self.secret = made["channel_key"], made["master_secret"]
        self.api = Api(self.stack["api_url"], (self.key, self.secret))
        self.provider_secrets: list[str] = []  # what must never be read anywhere again
        self.channels = {kind: self._channel(kind) for kind in self.kinds}

    def code(self, kind: str) -> str:
        return f"{kind}{self.mark}"

    def _channel(self, kind: str) -> dict[str, Any]:
        platform, credentials, options = self._account(kind)
        self.provider_secrets += [credentials[name] for name in ("master_secret", "password") if name in credentials]
        name = {"name": f"{kind} {self.mark}", "code": self.code(kind), "type": kind, "platform": platform}
        posted = {"receipts": "webhook"} if "app_key" in credentials else {}  # what the sandbox does unless it is asked
        body = {**name, "credentials": credentials, "options": options, **posted, **self.settings.get(kind, {})}
        made = self.admin.ask("POST", "/admin/v1/channels", body)
        if "app_key" in credentials:
            webhook = made["webhook_url"] if body.get("receipts", "webhook") == "webhook" else None
            self.sandbox.register(platform, credentials, webhook, **self.options.get(platform, {}))
        self.admin.ask("PUT", f"/admin/v1/access-channels/{self.key}/channels/{self.code(kind)}", {"enabled": True})
        return made

    def _account(self, kind: str) -> tuple[str, dict[str, str], dict[str, Any]]:
        if kind == "email":
            smtp = {"server": "127.0.0.1", "port": self.stack["sandbox_smtp"]["smtp"], "encryption": "none"}
            return "smtp", {}, {**smtp, "sender": "hello@shop.example"}
        platform = {"app": "jpush", "sms": "jsms"}[kind]
        credentials = {"app_key": f"{platform}-{self.mark}", "master_secret": uuid.uuid4().hex}
        return platform, credentials, {"base_url": f"{self.stack['sandbox_url']}/{platform}"}

    def template(self, **contents: Mapping[str, Any]) -> int:
        body = {"channel_key": self.key, "name": f"template {self.mark}", "contents": contents}
        return int(self.admin.ask("POST", "/admin/v1/templates", body)["template_id"])

    def strategy(self, *steps: Mapping[str, Any]) -> int:
        body = {"channel_key": self.key, "name": f"strategy {self.mark}", "steps": list(steps)}
        return int(self.admin.ask("POST", "/admin/v1/strategies", body)["rule_id"])

    def user(self, userid: str, *, app: Sequence[str] = (), sms: str = "", email: str = "") -> dict[str, Any]:
        """A user as `POST /v1/user/opt` takes it."""
        contacts = {"app": {self.code("app"): list(app)} if app else None, "phone": {"all": sms} if sms else None}
        every = {**contacts, "email": {"all": email} if email else None}
        return {"userid": userid, "set": {name: value for name, value in every.items() if value}}

    def upload(self, users: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(users), USERS_PER_CALL):
            answer = self.admin.ask("POST", "/v1/user/opt", list(users[start : start + USERS_PER_CALL]))
            if answer["data"]["fail"]:
                raise Failed(f"users: {answer['data']['fail'][:3]}")
