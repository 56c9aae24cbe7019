"""Receivers of callbacks: servers whose addresses operators choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.callbacks import Record
from chalicelib.domain.errors import ProviderError
from chalicelib.domain.sentences import Sentence
from chalicelib.ports.callbacks import Reply
from chalicelib.web import callback_format
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http

MOST = 1_048_576  # bytes of an answer, of which only the status counts, or a short echo


class Receivers:
    """Implements ports.Receivers. Redirects are not followed."""

    def __init__(self, policy: Policy, timeout: float, http: Http | None = None) -> None:
        self._policy, self._http = policy, http or Http(policy, timeout)

    def refusal(self, url: str) -> Sentence | None:
        return self._policy.refusal(url)

    def body(self, records: Sequence[Record]) -> bytes:
        return callback_format.body(records)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        kind = {"content-type": "application/json; charset=utf-8"}
        return self._reply("POST", url, headers={**headers, **kind}, raw=body)

    def get(self, url: str, headers: Mapping[str, str], params: Mapping[str, str]) -> Reply:
        return self._reply("GET", url, headers=headers, params=params)

    def _reply(self, method: str, url: str, **request: Any) -> Reply:
        try:
            response = self._http.request(method, url, most=MOST, **request)
        except ProviderError as error:
            return Reply(0, error.code)
        return Reply(response.status, "", response.body)
