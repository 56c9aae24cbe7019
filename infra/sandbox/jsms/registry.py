"""Texts and signatures of JSMS's accounts, and their review.

Sources: https://docs.jiguang.cn/jsms/server/rest_api_jsms_templates, …/rest_api_jsms_sign and
…/callback (SMS_TEMPLATE, SMS_SIGN). `/_console/review` decides, and `/_console/delete` deletes.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from infra.sandbox.accounts import Account, Event
from infra.sandbox.calllog import Call
from infra.sandbox.jsms import rules
from infra.sandbox.vendor import Core, Refusal

TEXT, SIGN = "templates", "sign"
IN_REVIEW, PASSED, REFUSED = 0, 1, 2
TEXT_CHARACTERS, REMARK_CHARACTERS, SIGNATURE_REMARK = 500, 500, 100
IMAGES = ("image0", "image1", "image2", "image3")
BEGINS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}

Begin = Callable[[web.Request], tuple[Call, Account]]
Body = dict[str, Any]


class Registry:
    """The texts and signatures by account. They survive until the sandbox ends."""

    def __init__(self, core: Core, begin: Begin) -> None:
        self._core, self._begin = core, begin
        self._numbers = itertools.count(37582)
        self._kept: dict[tuple[str, str], dict[int, Body]] = {}
        self._gone: set[tuple[str, str, int]] = set()

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/v1/templates", self.create),
            web.put("/v1/templates/{id}", self.change),
            web.get("/v1/templates/{id}", self.read, allow_head=False),
            web.delete("/v1/templates/{id}", self.delete),
            web.post("/v1/sign", self.create),
            web.post("/v1/sign/{id}", self.change),
            web.get("/v1/sign/{id}", self.read, allow_head=False),
            web.delete("/v1/sign/{id}", self.delete),
            web.post("/_console/review", self.review),
            web.post("/_console/delete", self.delete_by_hand),
            web.get("/_console/signatures", self.signatures, allow_head=False),
        ]

    def check(self, account: Account, body: Mapping[str, Any]) -> None:
        """Refuse a send by a deleted text or signature, or by a text that is not approved.

        Unknown ones are taken: an account has texts that the sandbox does not know.
        """
        for what, id, gone in (
            (TEXT, body.get("temp_id"), 50013),
            (SIGN, body.get("sign_id"), 50102),
        ):
            if not isinstance(id, int):
                continue
            if (account.app_key, what, id) in self._gone:
                raise rules.error(gone)
            kept = self._kept.get((account.app_key, what), {}).get(id)
            if kept is not None and what == TEXT and kept["status"] != PASSED:
                raise rules.error(50020 if kept["status"] == IN_REVIEW else 50021)

    async def create(self, request: web.Request) -> web.Response:
        call, account, what = self._of(request)
        body = await _read(request, what, call)
        kept = self._kept.setdefault((account.app_key, what), {})
        waiting = any(each["status"] == IN_REVIEW for each in kept.values())
        if what == SIGN and waiting:
            raise rules.error(50103).about(call)
        id = next(self._numbers)
        kept[id] = {**body, "status": IN_REVIEW}
        return self._named(call, what, id)

    async def change(self, request: web.Request) -> web.Response:
        call, account, what = self._of(request)
        id, kept = self._known(request, call, account, what)
        if kept["status"] != REFUSED:
            raise rules.error(50047).about(call)
        body = await _read(request, what, call)
        kept |= {**body, "status": IN_REVIEW}
        return self._named(call, what, id)

    async def read(self, request: web.Request) -> web.Response:
        call, account, what = self._of(request)
        id, kept = self._known(request, call, account, what)
        self._core.log.add(call)
        if what == TEXT:
            return web.json_response({"temp_id": id, **kept})
        shown = {name: kept[name] for name in ("sign", "status")}
        return web.json_response({"sign_id": id, "is_default": 0, "use_status": 1, **shown})

    async def delete(self, request: web.Request) -> web.Response:
        call, account, what = self._of(request)
        id, _ = self._known(request, call, account, what)
        self._core.log.add(call)
        self._forget(account.app_key, what, id)
        return web.Response(content_type="application/json")

    async def review(self, request: web.Request) -> web.Response:
        """Pass or refuse (`{"app_key", "temp_id" or "sign_id", "status": 1 or 2, "reason"}`)."""
        body = await request.json()
        app_key, what, id = _named_in(body)
        kept = self._kept.get((app_key, what), {}).get(id)
        if kept is None:
            return web.json_response({"error": "not known"}, status=404)
        kept["status"] = body["status"]
        account = self._core.accounts.get("jsms", app_key)
        if account.webhook_url is not None:
            self._core.receipts.send_reply(account, _event(what, id, body))
        return web.json_response({"status": kept["status"]})

    async def signatures(self, request: web.Request) -> web.Response:
        """List the signatures of an account, with their images, as its owner sees them."""
        kept = self._kept.get((request.query.get("app_key", ""), SIGN), {})
        return web.json_response([{"sign_id": id, **each} for id, each in kept.items()])

    async def delete_by_hand(self, request: web.Request) -> web.Response:
        """Delete what `{"app_key", "temp_id" or "sign_id"}` names, as on JSMS's own pages."""
        self._forget(*_named_in(await request.json()))
        return web.json_response({"deleted": True})

    def _of(self, request: web.Request) -> tuple[Call, Account, str]:
        call, account = self._begin(request)
        return call, account, SIGN if "/sign" in request.path else TEXT

    def _known(
        self, request: web.Request, call: Call, account: Account, what: str
    ) -> tuple[int, Body]:
        digits = request.match_info["id"]
        id = int(digits) if digits.isdigit() else 0
        kept = self._kept.get((account.app_key, what), {}).get(id)
        if kept is None:
            raise rules.error(50013 if what == TEXT else 50102).about(call)
        return id, kept

    def _named(self, call: Call, what: str, id: int) -> web.Response:
        self._core.log.add(call)
        return web.json_response({"temp_id" if what == TEXT else "sign_id": id})

    def _forget(self, app_key: str, what: str, id: int) -> None:
        self._kept.get((app_key, what), {}).pop(id, None)
        self._gone.add((app_key, what, id))


def _named_in(body: Mapping[str, Any]) -> tuple[str, str, int]:
    what = TEXT if "temp_id" in body else SIGN
    return str(body["app_key"]), what, int(body["temp_id" if what == TEXT else "sign_id"])


def _event(what: str, id: int, body: Mapping[str, Any]) -> Event:
    return {
        "tempId" if what == TEXT else "signId": id,
        "status": body["status"],
        "refuseReason": str(body.get("reason", "")),
    }


async def _read(request: web.Request, what: str, call: Call) -> Body:
    """Return a valid text or signature. Raises Refusal."""
    try:
        return _signature(await request.post()) if what == SIGN else _text(await request.json())
    except Refusal as refusal:
        raise refusal.about(call) from None
    except (ValueError, RecursionError):
        raise rules.error(50007).about(call) from None


def _text(body: Any) -> Body:
    if not isinstance(body, dict):
        raise rules.error(50007)
    text, kind, remark = body.get("template"), body.get("type"), body.get("remark", "")
    if not isinstance(text, str) or not text:
        raise rules.error(50042)
    if len(text) > TEXT_CHARACTERS:
        raise rules.error(50043)
    if set(text) & set("【】"):
        raise rules.error(50052)
    if kind not in (1, 2, 3):
        raise rules.error(50025)
    names = re.findall(r"\{\{(\w+)\}\}", text)
    if kind == 1 and names != ["code"]:
        raise rules.error(50044)
    ttl = body.get("ttl", 0)
    if kind == 1 and not (isinstance(ttl, int) and 0 < ttl <= 86400):
        raise rules.error(50041)
    if len(str(remark)) > REMARK_CHARACTERS:
        raise rules.error(50045)
    if "url" in names and not remark:
        raise rules.error(50053)
    kept = {"template": text, "type": kind, "remark": str(remark)}
    return {**kept, "ttl": ttl} if kind == 1 else kept


def _signature(form: Mapping[str, Any]) -> Body:
    sign, kind, remark = form.get("sign"), form.get("type", ""), form.get("remark", "")
    if not isinstance(sign, str) or not re.fullmatch(r"[A-Za-z0-9一-鿿]{2,8}", sign):
        raise rules.error(50104)
    if not isinstance(kind, str) or kind not in ("", *map(str, range(1, 8))):
        raise rules.error(50007)
    if not isinstance(remark, str) or len(remark) > SIGNATURE_REMARK:
        raise rules.error(50007)
    return {"sign": sign, "images": [_image(form[name]) for name in IMAGES if name in form]}


def _image(part: Any) -> Body:
    """Return the type and the size of an image. Raises Refusal for anything else."""
    content = part.file.read() if isinstance(part, web.FileField) else b""
    media = next((media for begin, media in BEGINS.items() if content.startswith(begin)), None)
    if media is None or part.content_type != media:
        raise rules.error(50101)
    return {"type": media, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
