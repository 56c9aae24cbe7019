"""Amazon SES under `/ses`: its API v2, signed with an access key, and its events by SNS.

Source: docs.aws.amazon.com/ses/latest/APIReference-V2 (2026-11). botocore checks the signatures.
"""

from __future__ import annotations

import hmac
import json
import re
import time
import uuid
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.sandbox import links
from infra.sandbox.accounts import Account
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.ses import events
from infra.sandbox.smtp.server import texts
from infra.sandbox.vendor import Core, Refusal, endpoint, never_answer

NAME = "ses"
ACCOUNT_DEFAULTS = {"receipt_batch": 1, "receipt_batch_limit": 1}
_CREDENTIAL = re.compile(r"Credential=(\w+)/\d{8}/([a-z0-9-]+)/ses/aws4_request")


class Ses:
    """Implements HttpProvider."""

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core

    def clear(self) -> None:
        """Forget nothing: SES keeps no state."""

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/v2/email/outbound-emails", self.send),
            web.get("/v2/email/account", self.account),
            web.get(f"/{events.PEM}", self.certificate),
        ]

    def no_such(self, status: int) -> Refusal:
        return _error(status, "UnknownOperationException")

    async def certificate(self, request: web.Request) -> web.Response:
        return web.Response(body=events.pem(), content_type="application/x-pem-file")

    async def account(self, request: web.Request) -> web.Response:
        call, _ = await self._begin(request)
        self._core.log.add(call)
        return web.json_response({"SendingEnabled": True, "ProductionAccessEnabled": True})

    async def send(self, request: web.Request) -> web.Response:
        call, account = await self._begin(request)
        contact, mail = _mail(json.loads(await request.read()))
        trouble = self._core.troubles.of_call(NAME, [contact])
        if trouble is Behaviour.THROTTLE:
            refusal = _error(429, "TooManyRequestsException", Result.THROTTLED)
            raise refusal.about(call, [contact])
        if trouble is Behaviour.FLAKY:
            refusal = _error(500, "InternalServiceErrorException", Result.FAILED)
            raise refusal.about(call, [contact])
        id = str(uuid.uuid4())
        outcome = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        taken = replace(call, outcome=outcome, provider_id=id)
        self._core.log.add(taken, [contact], [contact])
        self._core.log.receive(NAME, contact, id, mail, "email")
        await self._report(request, account, contact, id, mail)
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)
        return web.json_response({"MessageId": id})

    async def _report(
        self, request: web.Request, account: Account, contact: str, id: str, mail: bytes
    ) -> None:
        behaviour, now = of(contact), time.time()
        due = now + (self._core.options.late if behaviour is Behaviour.LATE else account.delay())
        if behaviour is Behaviour.CLICK:
            links.open_first(self._core.outbox, texts(mail), due - now)
        if behaviour is Behaviour.SILENT:
            return
        # SES takes a mail to an address that does not exist, too.
        comes_back = behaviour in (Behaviour.REJECT, Behaviour.UNDELIVERED)
        kind = "Bounce" if comes_back else "Delivery"
        event = events.event(kind, id, contact, due, str(request.url.origin()))
        if behaviour is Behaviour.DOUBLE:
            await self._core.receipts.send_early_and_again(account, [event])
        else:
            self._core.receipts.expect(account, due, event)

    async def _begin(self, request: web.Request) -> tuple[Call, Account]:
        """Verify the signature of a call."""
        call = Call(provider=NAME, endpoint=endpoint(request, NAME), outcome=Result.ACCEPTED)
        shown = request.headers.get("authorization", "")
        named = _CREDENTIAL.search(shown)
        if named is None:
            raise _error(403, "MissingAuthenticationTokenException").about(call)
        account = self._core.accounts.get(NAME, named[1])
        secret = account.master_secret
        if secret is not None and not await _is_signed(request, shown, *named.groups(), secret):
            raise _error(403, "InvalidSignatureException").about(call)
        return replace(call, account=account.app_key), account


async def _is_signed(request: web.Request, shown: str, key: str, region: str, secret: str) -> bool:
    """Sign the request as botocore does, at the time that the request has."""
    names = ("content-type", "host")
    headers = {name: request.headers[name] for name in names if name in request.headers}
    copy = AWSRequest(request.method, str(request.url), headers, await request.read())
    copy.context["timestamp"] = request.headers.get("x-amz-date", "")
    copy.headers["X-Amz-Date"] = copy.context["timestamp"]
    signer = SigV4Auth(Credentials(key, secret), NAME, region)
    canonical = signer.canonical_request(copy)
    signature = signer.signature(signer.string_to_sign(copy, canonical), copy)
    return hmac.compare_digest(shown.rpartition("Signature=")[2], signature)


def _mail(body: Mapping[str, Any]) -> tuple[str, bytes]:
    (contact,) = body["Destination"]["ToAddresses"]
    return contact, b64decode(body["Content"]["Raw"]["Data"], validate=True)


def _error(status: int, code: str, result: Result = Result.REFUSED) -> Refusal:
    headers = {"x-amzn-errortype": f"{code}:http://internal.amazon.com/coral/"}
    return Refusal(status, status, {"message": code}, result=result, headers=headers)
