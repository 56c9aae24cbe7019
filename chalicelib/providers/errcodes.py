"""Vendors that answer `{"errcode": 0, "errmsg": "ok", …}` with status 200.

Each call of these vendors has an access token in its address.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from chalicelib.domain.errors import Misconfigured, ProviderError, Rejected, Unavailable, Uncertain
from chalicelib.domain.provider_io import (
    UNLIMITED,
    Account,
    Answer,
    CallTime,
    Loss,
    Outcome,
    OutgoingCall,
    Token,
    token_name,
)
from chalicelib.domain.values import frozen
from chalicelib.providers import refusals
from chalicelib.providers.base import (
    ErrorTable,
    identifier,
    preparing_error,
    retry_after,
    safe_request,
    vendor_error,
)
from chalicelib.providers.tokens import AccessTokens, expiring_token
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

log = logging.getLogger(__name__)

SUCCESS = "0"
RENEWAL = 3  # timeouts of a new token, with a third-party platform's, and of the repeated call
TOKEN_LIFE = 7200  # seconds, as these vendors document. Used if the answer names none.

_TOKEN = re.compile(r"[\x21-\x7e]{1,2048}")


@frozen
class VendorAnswer:
    """An answer with the vendor's own code, which is `0` for success."""

    code: str
    body: Mapping[str, Any] = field(repr=False)
    retry_after: float | None = None


def errcode(body: Any) -> str:
    """Return `errcode` as text, or an empty text if there is none."""
    return identifier(body.get("errcode")) if isinstance(body, Mapping) else ""


@frozen
class VendorCodes:
    """Meaning of a vendor's codes.

    `stale`: codes of an access token that is unknown or expired. A new token helps.
    """

    errors: ErrorTable
    stale: frozenset[str]
    code: Callable[[Any], str] = errcode


class TokenApi:
    """The API of one account.

    A call is repeated once, at once, when its token is stale: the vendor surely did not take it.
    """

    def __init__(
        self,
        http: Http,
        tokens: AccessTokens,
        account: Account,
        codes: VendorCodes,
        source: tuple[str, Mapping[str, str]],
        name: str = "",
    ) -> None:
        """Build the API.

        `source`: the address that gives a token, and its query.

        `name`: of the token, if several channels share it.
        """
        self._http, self._tokens, self._codes, self._source = http, tokens, codes, source
        self._name = name or token_name(account.code, account.credentials_fingerprint)

    def token(self) -> Token:
        return self._tokens.token(self._name, self._fetched)

    def _fetched(self) -> Token:
        try:
            return self.fetch()
        except Rejected as error:
            raise preparing_error(error) from error

    def fetch(self) -> Token:
        """Fetch a token from the vendor, which repeats the same token while it is valid."""
        return self.read_token(self._read(self._ask(*self._source), Unavailable))

    def _ask(self, url: str, query: Mapping[str, str]) -> Response:
        return safe_request(self._http, "GET", url, params=query)

    def read_token(self, answer: VendorAnswer, name: str = "access_token") -> Token:
        """Return the token in an answer. Raises the meaning of an answer without one."""
        if answer.code != SUCCESS:
            raise self.error(answer, Misconfigured)
        value, seconds = answer.body.get(name), answer.body.get("expires_in")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise Unavailable("no_access_token")
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < 10**6:
            seconds = TOKEN_LIFE
        return expiring_token(value, seconds, self._tokens.now)

    def post(
        self,
        url: str,
        body: Mapping[str, Any],
        *,
        safe: bool = False,
        time: CallTime = UNLIMITED,
    ) -> VendorAnswer:
        """Return the vendor's answer, successful or not.

        `safe`: the call may be repeated if no answer comes. A call with a stale token is repeated
        with a new one. If `time` is too short for that, Unavailable is raised, and the call is
        made later. The vendor surely did not take the first one.
        """
        value, begun = self._tokens.get(self._name, self._fetched), self._tokens.now
        answer = self._post(url, body, value, safe=safe)
        if answer.code in self._codes.stale:
            needed = RENEWAL * self._http.timeout
            if (self._tokens.now - begun) / 1000 + needed > time.end:
                raise Unavailable(answer.code, retry_after=1)
            log.info("access token renewed", extra={"provider_code": answer.code})
            answer = self._post(
                url, body, self._tokens.renew(self._name, value, self._fetched), safe=safe
            )
        return answer

    def get(self, url: str, query: Mapping[str, str]) -> VendorAnswer:
        """Read something of the account, and return the vendor's answer, successful or not."""
        value = self._tokens.get(self._name, self._fetched)
        answer = self._get(url, query, value)
        if answer.code in self._codes.stale:
            answer = self._get(url, query, self._tokens.renew(self._name, value, self._fetched))
        return answer

    def _get(self, url: str, query: Mapping[str, str], token: str) -> VendorAnswer:
        params = {"access_token": token, **query}
        return self._read(safe_request(self._http, "GET", url, params=params), Unavailable)

    def _post(self, url: str, body: Mapping[str, Any], token: str, *, safe: bool) -> VendorAnswer:
        query = {"access_token": token}
        if safe:
            return self._read(
                safe_request(self._http, "POST", url, json=body, params=query), Unavailable
            )
        return self._read(self._http.request("POST", url, json=body, params=query), Uncertain)

    def _read(self, reply: Response, unclear: type[ProviderError]) -> VendorAnswer:
        """Read an answer. `unclear`: the error of an answer that says neither yes nor no."""
        body = reply.json()
        code = self._codes.code(body)
        if reply.status == 200 and code:
            return VendorAnswer(code, body, retry_after(reply))
        error = vendor_error(reply, {}, {})
        raise unclear(error.code) if isinstance(error, Uncertain) else error

    def error(self, answer: VendorAnswer, unknown: type[ProviderError] = Rejected) -> ProviderError:
        """Map a vendor's error code to an error. Codes missing from the table become `unknown`."""
        error = self._codes.errors.get(answer.code)
        if error is None:
            log.warning("provider code unknown", extra={"provider_code": answer.code[:20]})
        return (error or unknown)(answer.code, retry_after=answer.retry_after)


MALFORMED = Outcome(Loss.INVALID_TARGET, "malformed_id")


@frozen
class UserList:
    """A vendor's way to take a list of users in one call.

    `form`: the ids that may stand in the list. One with a separator in it, or `@all`, would
    reach other people.
    `nobody`: outcomes of every user for the codes which say that none can be reached.
    `somebody`: outcomes for the codes of a list of which some user, or the only one, is wrong.
    `refused`: return the outcomes of single users in a successful answer, by contact in lower
    case.
    `identity`: the same text for spellings of one user, who stands in a call once.
    """

    form: re.Pattern[str]
    somebody: Mapping[str, Outcome]
    nobody: Mapping[str, Outcome] = field(default_factory=dict)
    refused: Callable[[VendorAnswer], Mapping[str, Outcome]] = lambda answer: {}
    identity: Callable[[str], str] = str

    def send(
        self,
        api: TokenApi,
        call: OutgoingCall,
        post: Callable[[Sequence[str]], VendorAnswer],
        provider_id: Callable[[VendorAnswer], str] = lambda answer: "",
    ) -> Answer:
        """Post the call to its users, each once, and return one outcome per recipient."""
        contacts = [recipient.contact for recipient in call.recipients]
        names = [self.identity(contact) for contact in contacts]
        users: dict[str, str] = {}
        for name, contact in zip(names, contacts, strict=True):
            if self.form.fullmatch(contact):
                users.setdefault(name, contact)
        if not users:
            return Answer([MALFORMED] * len(contacts))
        answer = post(list(users.values()))
        by_user = self._outcomes(api, answer, list(users.values()))
        id = provider_id(answer) if answer.code == SUCCESS else ""
        outcomes = {name: by_user[user] for name, user in users.items()}
        return Answer([outcomes.get(name, MALFORMED) for name in names], id)

    def _outcomes(
        self, api: TokenApi, answer: VendorAnswer, users: Sequence[str]
    ) -> dict[str, Outcome]:
        """Return the outcome of each user. Raises the meaning of an answer about the call."""
        if answer.code == SUCCESS:
            refused = self.refused(answer)
            return {user: refused.get(user.lower(), Outcome()) for user in users}
        if answer.code in self.nobody:
            return dict.fromkeys(users, self.nobody[answer.code])
        error = api.error(answer)
        # What may be about the account would be met by every part of the call.
        is_of_users = len(users) == 1 or isinstance(error, Rejected)
        if answer.code not in self.somebody or not is_of_users:
            raise error
        names = refusals.named(answer.body.get("errmsg"), users)
        outcomes = refusals.refused(users, self.somebody[answer.code], names)
        return dict(zip(users, outcomes, strict=True))
