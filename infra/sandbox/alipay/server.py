"""Alipay's gateway (life accounts) under `/alipay/gateway.do`.

A call is one template message. Calls and answers are signed.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from infra.sandbox import links
from infra.sandbox.alipay import rules
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.vendor import Core, Refusal, compact, endpoint, never_answer

NAME = "alipay"
ACCOUNT_DEFAULTS: Mapping[str, Any] = {}

RESULTS = {"20000": Result.FAILED, "40005": Result.THROTTLED}


class Alipay:
    """Implements HttpProvider.

    The application verifies answers with `public_key`, which is new at every start.
    """

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        self._gone: set[tuple[str, str]] = set()  # application and template
        self._key = rsa.generate_private_key(65537, 2048)
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public_key = base64.b64encode(public).decode()

    def clear(self) -> None:
        """Forget nothing: templates stay deleted."""

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/gateway.do", self.gateway),
            web.post("/_console/template", self.delete_template),
        ]

    async def delete_template(self, request: web.Request) -> web.Response:
        """Delete a template as its owner does on Alipay's pages (`{"app_id", "id"}`)."""
        body = await request.json()
        self._gone.add((str(body["app_id"]), str(body["id"])))
        return web.json_response({"deleted": body["id"]})

    def no_such(self, status: int) -> Refusal:
        return Refusal(status, status, {})

    async def gateway(self, request: web.Request) -> web.Response:
        form = await request.post()
        texts = {name: value for name, value in form.items() if isinstance(value, str)}
        fields = {**request.query, **texts}
        call = Call(
            provider=NAME,
            endpoint=endpoint(request, NAME),
            outcome=Result.ACCEPTED,
            account=fields.get("app_id", ""),
        )
        account = self._core.accounts.get(NAME, call.account)
        person = ""
        try:
            rules.check_envelope(fields, account.master_secret)
            person, template = rules.message(fields.get("biz_content", ""))
            if (call.account, template["template_id"]) in self._gone:
                raise rules.Problem("40004", "PUB.MSG_TEMPLATE_NOT_EXIST")
            await self._send(request, call, person, template)
        except rules.Problem as problem:
            result = RESULTS.get(problem.code, Result.REFUSED)
            self._core.log.add(
                replace(call, outcome=result, code=problem.sub_code or problem.code),
                [person] if person else [],
            )
            return self._answer(problem.answer(), fields, is_signed=problem.is_signed)
        return self._answer({"code": "10000", "msg": "Success"}, fields)

    async def _send(
        self, request: web.Request, call: Call, person: str, template: Mapping[str, Any]
    ) -> None:
        behaviour = of(person)
        if behaviour is Behaviour.REJECT:
            raise rules.Problem("40004", "PUB.MSG_SD_NOFOLLOW")
        trouble = self._core.troubles.of_call(NAME, [person])
        if trouble is Behaviour.THROTTLE:
            raise rules.Problem("40005", "isv.app-call-limited")
        if trouble is Behaviour.FLAKY:
            raise rules.Problem("20000", "isp.unknow-error")
        outcome = Result.TIMEOUT if trouble is Behaviour.TIMEOUT else Result.ACCEPTED
        self._core.log.add(replace(call, outcome=outcome), [person], [person])
        self._core.log.receive(NAME, person, "", dict(template), "alipay_life")
        if behaviour is Behaviour.CLICK:
            links.open_first(self._core.outbox, [template["context"]["url"]], 0, NAME)
        if trouble is Behaviour.TIMEOUT:
            await never_answer(request, self._core.options.timeout_hang)

    def _answer(
        self, inner: Mapping[str, str], fields: Mapping[str, str], *, is_signed: bool = True
    ) -> web.Response:
        """Build the answer. Its signature covers the inner object byte by byte."""
        name = rules.ANSWER if fields.get("method") == rules.METHOD else "error_response"
        text = compact(inner)
        sign = ""
        if is_signed:
            signature = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
            sign = f',"sign":"{base64.b64encode(signature).decode()}"'
        return web.Response(
            text=f'{{"{name}":{text}{sign}}}', content_type="text/html", charset="utf-8"
        )
