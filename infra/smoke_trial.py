"""The trial of the smoke test: an access channel, two delivery channels, a user and two messages.

Delivery channels lead to hosts below `.invalid`, which no DNS knows (RFC 2606), so that nothing
leaves the account. Where a mail server is named, one mail goes to it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from infra.smoke_target import Failed, Target, eventually, settled

NAME = "openums smoke"
NOWHERE = "openums-smoke.invalid"
RECIPIENT = "success@simulator.amazonses.com"  # SES takes mails to it and delivers them to nobody
MAIL_SERVER = "a mail server that takes a test mail (encryption: tls or starttls)"
ANY_VERSION = {"If-Match": "*"}


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    encryption: str = "starttls"

    @staticmethod
    def read(text: str) -> MailServer:
        """Read HOST:PORT or HOST:PORT:ENCRYPTION. Raises ValueError."""
        host, port, *encryption = text.split(":")
        return MailServer(host, int(port), *encryption[:1])

    @staticmethod
    def of_local_stack(local: Mapping[str, Any]) -> MailServer | None:
        ports = local.get("sandbox_smtp")
        return MailServer("127.0.0.1", ports["smtp"], "none") if ports else None


@dataclass(frozen=True)
class Kind:
    """A channel type of the trial, at one platform, with a field of a user and a content."""

    type: str
    user_field: str
    content: Mapping[str, Any]


KINDS: Mapping[str, Kind] = {
    "smtp": Kind("email", "email", {"subject": "OpenUMS smoke test", "text": "It works."}),
    "jpush": Kind("app", "app", {"platform": "all", "notification": {"alert": "OpenUMS"}}),
    "jsms": Kind("sms", "phone", {"temp_id": 1}),
}


class Trial:
    """Checks that build on each other. `clean_up` undoes their work."""

    def __init__(self, target: Target, mail: MailServer | None, patience: float) -> None:
        self._target, self._admin, self._mail = target, target.admin, mail
        self._patience = patience
        self._settled = partial(settled, clock=target.clock)
        self._eventually = partial(eventually, clock=target.clock)
        self._mark = secrets.token_hex(4)
        self._user = f"smoke-{self._mark}"
        self._undo: list[tuple[str, str, Any]] = []  # calls, the last first
        self._key = ""
        self._sender = target.anybody
        self._codes: dict[str, str] = {}  # by platform

    # ---- settings

    def open_access_channel(self) -> str:
        """Make the access channel, or switch that of an earlier run on, with a new secret."""
        listed = self._pages("/admin/v1/access-channels", "access_channels")
        keys = [channel["channel_key"] for channel in listed if channel["name"] == NAME]
        if keys:
            self._key = keys[0]
            self._switch(enabled=True)
            path = f"/admin/v1/access-channels/{self._key}/secret"
            made = self._admin.ask("POST", path, {"grace": 0})
        else:
            made = self._admin.ask("POST", "/admin/v1/access-channels", {"name": NAME})
            self._key = made["channel_key"]
        self._sender = self._target.api((self._key, made["master_secret"]))
        return f"{self._key} {'switched on' if keys else 'made'}"

    def make_delivery_channels(self) -> str:
        """Make a channel for each of two platforms that the stage runs, and authorise both."""
        listed = self._admin.ask("GET", "/admin/v1/platforms")["platforms"]
        available = {entry["platform"] for entry in listed if entry["available"]}
        platforms = [platform for platform in KINDS if platform in available][:2]
        if not platforms:
            raise Failed(f"the stage runs none of {', '.join(KINDS)}")
        for platform in platforms:
            self._make_delivery_channel(platform)
        return ", ".join(platforms)

    def _make_delivery_channel(self, platform: str) -> None:
        code = f"smoke{KINDS[platform].type}{self._mark}"
        settings = self._mail_settings() if platform == "smtp" else self._key_settings(code)
        named = {"name": code, "code": code, "type": KINDS[platform].type, "platform": platform}
        self._admin.ask("POST", "/admin/v1/channels", {**named, **settings})
        self._undo.append(("DELETE", f"/admin/v1/channels/{code}", None))
        self._codes[platform] = code
        path = f"/admin/v1/access-channels/{self._key}/channels/{code}"
        self._settled(lambda: self._admin.ask("PUT", path, {"enabled": True}))
        self._undo.append(("DELETE", path, None))

    def _mail_settings(self) -> dict[str, Any]:
        server = self._mail or MailServer(NOWHERE, 587, "starttls")
        options = {
            "server": server.host,
            "port": server.port,
            "encryption": server.encryption,
            "sender": "smoke@example.com",
        }
        return {"credentials": {}, "options": options}

    def _key_settings(self, code: str) -> dict[str, Any]:
        credentials = {"app_key": code, "master_secret": secrets.token_hex(8)}
        return {"credentials": credentials, "options": {"base_url": f"https://{NOWHERE}"}}

    def test_channel(self) -> str:
        """Have a delivery function open the credentials and look for the provider.

        The provider cannot be there. An answer that says so has come all the way back.
        """
        code = next(iter(self._codes.values()))
        test = self._settled(lambda: self._admin.ask("POST", f"/admin/v1/channels/{code}/test"))
        if test["status"] == "pending":
            path = f"/admin/v1/checks/{test['check_id']}"
            test = self._eventually(
                lambda: self._finished_test(path), self._patience, f"{path} is done"
            )
        return f"{test['status']} {test['code'] or ''}".strip()

    def _finished_test(self, path: str) -> dict[str, Any] | None:
        test = self._admin.ask("GET", path)
        return None if test["status"] == "pending" else test

    # ---- messages

    def lose_a_target(self) -> str:
        """Send to a user who does not exist. The message must account for it."""
        msgid = self._send([f"nobody-{self._mark}"], 0)
        message = self._eventually(
            lambda: self._message(msgid, lambda answer: bool(answer["losses"]["users"])),
            self._patience,
            f"a loss of message {msgid}",
        )
        if message["losses"]["users"] != {"unknown_user": 1} or not message["balanced"]:
            raise Failed(f"message {msgid}: {message['losses']}, balanced {message['balanced']}")
        return "lost as unknown_user, and the counts balance"

    def take_two_steps(self) -> str:
        """Send one message by a strategy of two steps, and wait until its second step runs."""
        if list(self._codes)[:1] != ["smtp"] or len(self._codes) < 2:
            return "skipped: the stage runs no e-mail with another channel type"
        self._make_user()
        msgid = self._send([self._user], self._strategy())
        self._undo.append(("RETRACT", f"/v1/retract/{msgid}", None))
        self._eventually(
            lambda: self._message(msgid, lambda answer: _targets(answer, 2) == 1),
            self._patience,
            f"the second step of message {msgid}",
        )
        if self._mail:
            return "ran when the first step's time was over"
        return "ran at once: without --mail-server nothing can be submitted that would wait"

    def _strategy(self) -> int:
        """Make a strategy that goes on if nobody clicks within a second after the first step."""
        first, second = (KINDS[platform].type for platform in self._codes)
        steps = [
            {"channels": [first]},
            {"channels": [second], "condition": {"missing": "clicked", "within": 1}},
        ]
        body = {"channel_key": self._key, "name": f"smoke {self._mark}", "steps": steps}
        made = self._settled(lambda: self._admin.ask("POST", "/admin/v1/strategies", body))
        self._undo.append(("DELETE", f"/admin/v1/strategies/{made['rule_id']}", None))
        return int(made["rule_id"])

    def _make_user(self) -> None:
        contacts: dict[str, Any] = {}
        for platform, code in self._codes.items():
            if platform == "smtp":
                contacts["email"] = {self._key: RECIPIENT}
            elif platform == "jpush":
                contacts["app"] = {code: [f"smoke{self._mark}"]}
            else:
                contacts["phone"] = {self._key: "13000000000"}
        self._undo.append(("DELETE", f"/admin/v1/users/{self._user}", None))
        body = {"userid": self._user, "set": contacts}
        self._settled(lambda: self._admin.ask("POST", "/admin/v1/users", body))

    def _send(self, userids: list[str], rule: int) -> str:
        body: dict[str, Any] = {"aud_userid": userids, "rule_id": rule}
        for platform in self._codes:
            content = dict(KINDS[platform].content)
            if platform == "smtp" and not self._mail:
                # A file that is not there ends the delivery: egress has reached our own address.
                content["files"] = [f"{self._target.url}/no/such/file"]
            body[f"msg_{KINDS[platform].type}"] = [content]
        return str(self._settled(lambda: self._sender.ask("POST", "/v1/sent", body))["msgid"])

    def _message(self, msgid: str, is_so: Any) -> dict[str, Any] | None:
        answer = self._sender.ask("GET", f"/v1/messages/{msgid}")
        return answer if is_so(answer) else None

    # ---- the end

    def clean_up(self) -> str:
        """Undo everything, and raise Failed if something is left."""
        if not self._key:
            return "nothing was made"
        failures: list[str] = []
        while self._undo:
            method, path, body = self._undo.pop()
            api, verb = (self._sender, "POST") if method == "RETRACT" else (self._admin, method)
            answer = api.call(verb, path, body)
            if not answer.ok and answer.status_code != 404:
                failures.append(f"{verb} {path}: {answer.status_code}")
        self._switch(enabled=False)
        if failures:
            raise Failed(f"left behind: {', '.join(failures)}")
        return "nothing is left but the access channel, switched off"

    def _switch(self, *, enabled: bool) -> None:
        path = f"/admin/v1/access-channels/{self._key}"
        self._admin.ask("PATCH", path, {"enabled": enabled}, ANY_VERSION)

    def _pages(self, path: str, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        query = "?limit=500"
        while True:
            page = self._admin.ask("GET", path + query)
            entries += page[name]
            if not page["cursor"]:
                return entries
            query = f"?limit=500&cursor={page['cursor']}"


def _targets(message: Mapping[str, Any], step: int) -> int:
    return sum(entry["targets"] for entry in message["steps"] if entry["step"] == step)
