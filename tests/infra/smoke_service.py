"""The HTTP API as the smoke test sees it, in memory."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import requests

from infra.smoke_target import Clock, Target
from infra.smoke_trial import NAME

TARGET = Target("prod", "https://api.example", ("key", "secret"))


class Service:
    """The HTTP API as the smoke test sees it. `broken` answers instead where its pattern fits."""

    def __init__(self, platforms: tuple[str, ...] = ("smtp", "jpush")) -> None:
        self.platforms = platforms
        self.there: set[str] = set()  # paths of what was made
        self.enabled: dict[str, bool] = {}  # access channels
        self.asked: list[tuple[str, str, Any]] = []
        self.broken: dict[str, tuple[int, Any]] = {}
        self.first: dict[str, list[tuple[int, Any]]] = {}  # answers before others, by path
        self.step, self.seconds = 1, 0.0

    @property
    def target(self) -> Target:
        """The service as a stage, for a smoke test that waits in no time."""
        return replace(TARGET, send=self.request, clock=Clock(lambda: self.seconds, self._sleep))

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        path = url.removeprefix(TARGET.url)
        self.asked.append((method, path, options["json"]))
        for pattern, (status, body) in self.broken.items():
            if re.fullmatch(pattern, f"{method} {path}"):
                return _response(status, body)
        if self.first.get(path):
            return _response(*self.first[path].pop())
        if options["auth"] is None and path.startswith("/admin"):
            return _response(401, {"title": "Unauthorized"})
        return _response(*self._answer(method, path.partition("?")[0], options["json"]))

    def _answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/openapi.json":
            return 200, {"openapi": "3.1.0", "paths": {"/v1/sent": {}}}
        if path == "/v1/sent":
            is_known = not body["aud_userid"][0].startswith("nobody")
            return 201, {"msgid": "known" if is_known else "lost"}
        if path.startswith(("/v1/messages/", "/v1/retract/")):
            return 200, self._message(path.endswith("known"))
        if path.startswith("/admin/v1/"):
            return self._configure(method, path, body)
        return 404, {"code": 4004}

    def _message(self, is_known: bool) -> dict[str, Any]:
        losses = {} if is_known else {"unknown_user": 1}
        steps = [{"step": self.step, "targets": 1}]
        self.step += 1
        return {"losses": {"users": losses}, "balanced": True, "steps": steps}

    def _configure(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path == "/admin/v1/platforms":
            names = ("smtp", "jpush", "jsms")
            listed = [{"platform": name, "available": name in self.platforms} for name in names]
            return 200, {"platforms": listed}
        if path.endswith("/test"):
            return 200, {"status": "failed", "code": "dns", "check_id": "c"}
        if method == "DELETE":
            self.there.remove(path)
            return 204, None
        if path.startswith("/admin/v1/access-channels") and "/channels/" not in path:
            return self._access_channel(method, body)
        made = {
            "/admin/v1/channels": lambda: f"{path}/{body['code']}",
            "/admin/v1/users": lambda: f"{path}/{body['userid']}",
            "/admin/v1/strategies": lambda: f"{path}/7",
        }.get(path, lambda: path)()
        self.there.add(made)
        return 201, {"rule_id": 7}

    def _access_channel(self, method: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            listed = [{"channel_key": key, "name": NAME} for key in self.enabled]
            return 200, {"access_channels": listed, "cursor": None}
        self.enabled["k"] = method == "POST" or body["enabled"]
        return 200, {"channel_key": "k", "master_secret": "m"}


def _response(status: int, body: Any) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = b"" if body is None else json.dumps(body).encode()
    response.headers["content-type"] = "application/json"
    return response
