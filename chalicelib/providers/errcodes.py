"""Vendors that answer `{"errcode": 0, "errmsg": "ok", …}` with status 200, and want an access token in the address of each call."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.errors import Misconfigured, ProviderError, Rejected, Unavailable, Uncertain
from chalicelib.domain.provider_io import Account, Loss, Outcome, OutgoingCall, Token, token_name
from chalicelib.providers.base import ErrorTable, ask, retry_after, vendor_error, word
from chalicelib.providers.tokens import AccessTokens, lasting
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

log = logging.getLogger(__name__)

SUCCESS = "0"
TOKEN_LIFE = 7200  # seconds, where the answer does not say: what these vendors document

_TOKEN = re.compile(r"[\x21-\x7e]{1,2048}")


@dataclass(frozen=True)
class VendorAnswer:
    """An answer in the vendor's own words. `code` is `0` for success."""

    code: str
    body: Mapping[str, Any] = field(repr=False)
    retry_after: float | None = None


def errcode(body: Any) -> str:
    """`errcode` as text; empty where there is none."""
    return word(body.get("errcode")) if isinstance(body, Mapping) else ""


@dataclass(frozen=True)
class VendorCodes:
    """What a vendor's codes mean. `stale`: the access token is not, or no longer, known; a new one helps."""

    errors: ErrorTable
    stale: frozenset[str]
    code: Callable[[Any], str] = errcode


class TokenApi:
    """The API of one account. A call is repeated once, at once, when its token is not known any more: it was surely not taken."""

    def __init__(
        self,
        http: Http,
        tokens: AccessTokens,
        account: Account,
        words: VendorCodes,
        source: tuple[str, Mapping[str, str]],
        name: str = "",
    ) -> None:
        """`source`: the address that gives a token, and its query. `name`: of the token, where several channels share it."""
        self._http, self._tokens, self._words, self._source = http, tokens, words, source
        self._name = name or token_name(account.code, account.credentials_fingerprint)

    def token(self) -> Token:
        return self._tokens.token(self._name, self.fetch)

    def fetch(self) -> Token:
        """A token from the vendor itself, which gives the same one again while it lives."""
        return self.given(self._read(self._ask(*self._source), Unavailable))

    def _ask(self, url: str, query: Mapping[str, str]) -> Response:
        return ask(self._http, "GET", url, params=query)

    def given(self, said: VendorAnswer, name: str = "access_token") -> Token:
        """The token in an answer; raises what an answer without one means."""
        if said.code != SUCCESS:
            raise self.error(said, Misconfigured)
        value, seconds = said.body.get(name), said.body.get("expires_in")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise Unavailable("no_access_token")
        known = isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 10**6
        return lasting(value, seconds if known else TOKEN_LIFE, self._tokens.now)  # type: ignore[arg-type]

    def post(self, url: str, body: Mapping[str, Any], *, harmless: bool = False) -> VendorAnswer:
        """What the vendor said, success or not. `harmless`: it may simply be asked again when its answer stays away."""
        value = self._tokens.get(self._name, self.fetch)
        said = self._post(url, body, value, harmless=harmless)
        if said.code in self._words.stale:
            log.info("access token renewed", extra={"provider_code": said.code})
            said = self._post(
                url, body, self._tokens.renew(self._name, value, self.fetch), harmless=harmless
            )
        return said

    def _post(
        self, url: str, body: Mapping[str, Any], token: str, *, harmless: bool
    ) -> VendorAnswer:
        query = {"access_token": token}
        if harmless:
            return self._read(ask(self._http, "POST", url, json=body, params=query), Unavailable)
        return self._read(self._http.request("POST", url, json=body, params=query), Uncertain)

    def _read(self, reply: Response, unclear: type[ProviderError]) -> VendorAnswer:
        """`unclear`: what an answer is that says neither yes nor no."""
        body = reply.json()
        code = self._words.code(body)
        if reply.status == 200 and code:
            return VendorAnswer(code, body, retry_after(reply))
        error = vendor_error(reply, {}, {})
        raise unclear(error.code) if isinstance(error, Uncertain) else error

    def error(self, said: VendorAnswer, unknown: type[ProviderError] = Rejected) -> ProviderError:
        """What a code means that is no success. `unknown`: what one means that is not in the table."""
        kind = self._words.errors.get(said.code)
        if kind is None:
            log.warning("provider code unknown", extra={"provider_code": said.code[:20]})
        return (kind or unknown)(said.code, retry_after=said.retry_after)


MALFORMED = Outcome(Loss.INVALID_TARGET, "malformed_id")


def addressable(call: OutgoingCall, form: re.Pattern[str]) -> list[str]:
    """The contacts that may stand in a list of ids, each once: one with a separator in it, or `@all`, would reach other people."""
    return list(
        dict.fromkeys(
            recipient.contact for recipient in call.recipients if form.fullmatch(recipient.contact)
        )
    )


def outcomes(
    call: OutgoingCall, form: re.Pattern[str], lost: Callable[[str], Outcome | None]
) -> list[Outcome]:
    """One outcome per recipient: taken, unless `lost` says otherwise of its contact, or it was never addressed."""
    contacts = (recipient.contact for recipient in call.recipients)
    return [(lost(each) or Outcome()) if form.fullmatch(each) else MALFORMED for each in contacts]
