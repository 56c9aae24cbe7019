"""Texts and signatures of an account as JSMS keeps them.

Sources: https://docs.jiguang.cn/jsms/server/rest_api_jsms_templates and …/rest_api_jsms_sign.
JSMS has no list of them: each is asked for by its id.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain import images
from chalicelib.domain.errors import Invalid, Rejected, TemplateGone, Uncertain
from chalicelib.domain.provider_io import Account
from chalicelib.domain.third_party import (
    Action,
    Category,
    Draft,
    Family,
    Field,
    Registered,
    Registers,
    Review,
    Sort,
    Use,
)
from chalicelib.providers.base import identifier, number, safe_error
from chalicelib.providers.registries import PlainRegistry, readable
from chalicelib.web.messages import Response

ACTIONS = frozenset({*Action} - {Action.ENTER, Action.SYNC, Action.KEYWORDS, Action.CHOOSE})

TYPES = {Category.VERIFICATION: 1, Category.NOTICE: 2, Category.MARKETING: 3}
CATEGORIES = {number: category.value for category, number in TYPES.items()}
REVIEWS = {0: Review.IN_REVIEW, 1: Review.APPROVED, 2: Review.REFUSED}

TEXT_CHARACTERS, REMARK_CHARACTERS = 500, 100  # with signature and the words to unsubscribe
MAX_IMAGES, IMAGE_BYTES = 4, 3_000_000  # of certificates, together
ORIGINS = range(8)  # of a signature, 0: not said. The page says which certificate each needs.
LONGEST = 86400  # seconds for which a verification code can be good

# "Return codes" of both pages: the id is unknown. A deleted one has the same code.
GONE = frozenset({"50013", "50102"})

_VARIABLE = re.compile(r"\{\{\s{0,5}([A-Za-z0-9_]{1,64})\s{0,5}\}\}")
_SIGNATURE = re.compile(r"[A-Za-z0-9㐀-䶿一-鿿]{2,8}")
_NAME = re.compile(r"[A-Za-z0-9]{1,64}")

Ask = Callable[..., Response]
# Read a successful answer, or raise the meaning of another one.
Read = Callable[[Response], Mapping[str, Any]]


class JsmsRegistry(PlainRegistry):
    """Implements Registry."""

    def __init__(self, account: Account, ask: Ask, safe: Ask, read: Read) -> None:
        super().__init__(account)
        self._ask, self._safe, self._answer = ask, safe, read

    def _asked(self, method: str, path: str, **options: Any) -> Mapping[str, Any]:
        """Ask what may be asked again, so that no answer leaves it uncertain."""
        try:
            return self._answer(self._safe(method, path, **options))
        except Uncertain as error:
            raise safe_error(error) from error

    def read(self, sort: Sort, id: str) -> Registered | None:
        try:
            body = self._asked("GET", _path(sort, id))
        except TemplateGone:
            return None
        return self._registered(sort, id, body)

    def _registered(self, sort: Sort, id: str, body: Mapping[str, Any]) -> Registered:
        review = REVIEWS.get(number(body.get("status")) or 0, Review.IN_REVIEW)
        account = self.account.credentials_fingerprint
        found = Registered(self.account.code, id, sort, "", review=review, account=account)
        remark = readable(body.get("remark"), 500)
        if sort is Sort.SIGNATURE:
            return replace(found, title=readable(body.get("sign"), 30), remark=remark)
        text = readable(body.get("template"), TEXT_CHARACTERS)
        return replace(
            found,
            title=text[:30],
            text=text,
            fields=fields_of(text),
            category=CATEGORIES.get(number(body.get("type")) or 0, ""),
            remark=remark,
            seconds=number(body.get("ttl")) or 0,
        )

    def create(self, draft: Draft) -> Registered:
        id_name = "sign_id" if draft.sort is Sort.SIGNATURE else "temp_id"
        body = self._answer(self._ask("POST", _path(draft.sort), **_body(draft)))
        id = number(body.get(id_name))
        if id is None:
            raise Rejected("no_id")
        return self._drafted(str(id), draft)

    def change(self, id: str, draft: Draft) -> Registered:
        method = "POST" if draft.sort is Sort.SIGNATURE else "PUT"
        self._asked(method, _path(draft.sort, id), **_body(draft, id))
        return self._drafted(id, draft)

    def _drafted(self, id: str, draft: Draft) -> Registered:
        """Return what the account has now: the draft that was sent, in review."""
        is_signature = draft.sort is Sort.SIGNATURE
        return Registered(
            self.account.code,
            id,
            draft.sort,
            draft.text[:30],
            "" if is_signature else draft.text,
            () if is_signature else fields_of(draft.text),
            draft.category,
            remark=draft.remark,
            seconds=draft.seconds,
            review=Review.IN_REVIEW,
            account=self.account.credentials_fingerprint,
        )

    def delete(self, sort: Sort, id: str) -> None:
        try:
            self._asked("DELETE", _path(sort, id))
        except TemplateGone:
            return


def _path(sort: Sort, id: str = "") -> str:
    path = "/v1/sign" if sort is Sort.SIGNATURE else "/v1/templates"
    return f"{path}/{id}" if id else path


def _body(draft: Draft, id: str = "") -> dict[str, Any]:
    """Return the body of a request: a form with a boundary for a signature, else JSON."""
    if draft.sort is Sort.SIGNATURE:
        fields = {"sign": draft.text, "type": str(draft.type or ""), "remark": draft.remark}
        return _form({name: value for name, value in fields.items() if value}, draft.images)
    body: dict[str, Any] = {"template": draft.text, "type": TYPES[Category(draft.category)]}
    if draft.seconds:
        body["ttl"] = draft.seconds
    if draft.remark:
        body["remark"] = draft.remark
    return {"json": {"temp_id": int(id), **body} if id else body}


def _form(fields: Mapping[str, str], files: Sequence[bytes]) -> dict[str, Any]:
    """Return a form with images, which JSMS calls `image0` to `image3`."""
    boundary = secrets.token_hex(16)
    parts = [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
    for n, content in enumerate(files):
        media = images.media_type(content)
        name = f'name="image{n}"; filename="image{n}.{images.ENDINGS[media]}"'
        parts.append(_part(boundary, f"{name}\r\nContent-Type: {media}", content))
    return {
        "headers": {"content-type": f"multipart/form-data; boundary={boundary}"},
        "raw": b"".join(parts) + f"--{boundary}--\r\n".encode(),
    }


def _part(boundary: str, about: str, content: bytes) -> bytes:
    begin = f"--{boundary}\r\nContent-Disposition: form-data; {about}\r\n\r\n"
    return begin.encode() + content + b"\r\n"


def fields_of(text: str) -> tuple[Field, ...]:
    return tuple(Field(name) for name in dict.fromkeys(_VARIABLE.findall(text)))


def check_draft(draft: Draft) -> None:
    """Raise Invalid for a text or signature that JSMS is sure to refuse, with the field."""
    if len(draft.remark) > REMARK_CHARACTERS:
        raise Invalid("remark", "must have at most {most} characters", most=REMARK_CHARACTERS)
    if draft.sort is Sort.SIGNATURE:
        if not _SIGNATURE.fullmatch(draft.text):
            raise Invalid("text", "must be 2 to 8 Chinese characters, letters or digits")
        if draft.type not in ORIGINS:
            raise Invalid("type", "must be one of {allowed}", allowed=ORIGINS)
        _check_images(draft.images)
        return
    if not draft.text.strip() or len(draft.text) > TEXT_CHARACTERS:
        raise Invalid("text", "must have 1 to {most} characters", most=TEXT_CHARACTERS)
    if set(draft.text) & set("【】"):
        raise Invalid("text", "must not have 【 or 】: the signature is added by itself")
    _check_variables(draft)


def _check_images(files: Sequence[bytes]) -> None:
    if len(files) > MAX_IMAGES:
        raise Invalid("images", "must have at most {most} images", most=MAX_IMAGES)
    for n, content in enumerate(files):
        if not images.media_type(content):
            raise Invalid(f"images[{n}]", "must be a PNG or JPEG image")
    if sum(map(len, files)) > IMAGE_BYTES:
        raise Invalid("images", "must have at most {most} bytes together", most=IMAGE_BYTES)


def _check_variables(draft: Draft) -> None:
    names = [field.name for field in fields_of(draft.text)]
    if draft.category == Category.VERIFICATION:
        if names != ["code"]:
            raise Invalid("text", "a verification code has one variable, which is {{code}}")
        if not 0 < draft.seconds <= LONGEST:
            raise Invalid("seconds", "must be 1 to {most} for a verification code", most=LONGEST)
        return
    for name in names:
        if not _NAME.fullmatch(name):
            reason = "{{{{{name}}}}}: names of variables are letters and digits"
            raise Invalid("text", reason, name=name)
    if "url" in names and not draft.remark:
        raise Invalid("remark", "must name the address that stands for {{url}}")


def uses(content: Mapping[str, Any]) -> Sequence[Use]:
    """Return the text and the signature that a content names."""
    para = {str(name): str(value) for name, value in (content.get("temp_para") or {}).items()}
    id, sign = identifier(number(content.get("temp_id"))), number(content.get("sign_id"))
    used = [Use(Family.TEMPLATE, id, "temp_id", para, "temp_para")]
    return [*used, Use(Family.SIGNATURE, str(sign), "sign_id")] if sign else used


REGISTERS = Registers(
    actions={Sort.TEXT: ACTIONS, Sort.SIGNATURE: ACTIONS},
    uses=uses,
    fields=fields_of,
    check=check_draft,
)
