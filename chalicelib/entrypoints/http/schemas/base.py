"""The base of all schemas: strictness, refusals with a business code, and shared fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError

from chalicelib.domain import contacts, warnings
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.bodies import BadBody, field_name
from chalicelib.entrypoints.http.errors import PARAMETER, Entry, FieldError
from chalicelib.entrypoints.http.language import Text
from chalicelib.entrypoints.http.schemas.reasons import reason

MAX_ERRORS = 20  # that a reply lists
PORTS = {"http": 80, "https": 443}

CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
# UMS allows letters, digits, underscore and @!#$&*+=.|¥. Its Chinese pages write the yen as ￥.
# Hyphens are added for UUIDs.
USERID = re.compile(r"[A-Za-z0-9_@!#$&*+=.|¥￥-]{1,64}", re.ASCII)

_NULL = {"type": "null"}
_UMS = "ums_"  # error types of our own carry a business code: ums_1015085


class Strict(BaseModel):
    """A body, without coercion and unknown fields.

    Validators are built when they are first needed, because most containers need few.
    """

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class Sparse(Strict):
    """A body that is read without its nulls (bodies.without_nulls): null means absent.

    So do empty lists of fields of other bodies, whose names match `emptied`. The JSON schema says
    so too, also of unknown names.
    """

    emptied: ClassVar[str] = ""

    @classmethod
    def without_empty(cls, body: Any) -> Any:
        """Drop the empty lists that typed clients send for fields of other bodies."""
        if not cls.emptied or not isinstance(body, Mapping):
            return body
        return {
            name: value
            for name, value in body.items()
            if value != [] or not re.match(cls.emptied, name)
        }

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema)
        properties["additionalProperties"] = _NULL
        if cls.emptied:
            nothing = {"anyOf": [{"type": "array", "maxItems": 0}, _NULL]}
            properties["patternProperties"] = {f"^(?:{cls.emptied})": nothing}
        required = properties.get("required", ())
        for name, field in properties["properties"].items():
            if name not in required and _NULL not in field.get("anyOf", ()):
                about = {key: field.pop(key) for key in ("default", "description") if key in field}
                properties["properties"][name] = {"anyOf": [field, _NULL], **about}
        return schema


class Patch(Strict):
    """A partial update: omitted fields keep their value, and so do nulls of other fields than
    `nullable`."""

    nullable: ClassVar[frozenset[str]] = frozenset()

    def changes(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return {
            name: value
            for name, value in values.items()
            if value is not None or name in self.nullable
        }


class Query(BaseModel):
    """A query string. Its values are texts, and are read as numbers where a field is a number."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class Answer(BaseModel):
    """A response, for the documentation and for tests. Answers are not validated at run time."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class WarningShown(Answer):
    """A warning: the part that is meant, its code, and its sentence."""

    field: str
    code: warnings.Code
    message: str


class Warned(Answer):
    """An answer with warnings: as texts, and with the code and the field of each."""

    warnings: list[str]
    warning_details: list[WarningShown]


class Versioned(Answer):
    """A thing that is changed from its current version, which is also its `ETag`."""

    version: int


M = TypeVar("M", bound=BaseModel)


def refusal(code: int, english: str, chinese: str = "") -> PydanticCustomError:
    """Build an error for a validator to raise, with a business code of its own."""
    context = {"reason": english, "chinese": chinese}
    return PydanticCustomError(f"{_UMS}{code}", "{reason}", context)


def refusal_by(entry: Entry, **values: Any) -> PydanticCustomError:
    """Build an error for a validator to raise, from the table of errors."""
    refused = entry.refuse(**values)
    return refusal(refused.code, *refused.reason)


def validate(schema: type[M], value: Any) -> M:
    """Return the model. Raises Refused with every error, whose message names the first field."""
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise _refused(error.errors(include_url=False, include_input=False)) from None


def _refused(errors: Sequence[ErrorDetails]) -> BadBody:
    kind = errors[0]["type"]
    code = int(kind.removeprefix(_UMS)) if kind.startswith(_UMS) else PARAMETER
    return BadBody(
        code,
        [FieldError(field_name(e["loc"]) or "body", _reason(e)) for e in errors[:MAX_ERRORS]],
    )


def _reason(error: ErrorDetails) -> Text:
    if error["type"].startswith(_UMS):
        return Text(error["msg"], error["ctx"]["chinese"])
    return reason(error["type"], error.get("ctx", {}))


def _visible(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise refusal(PARAMETER, "must be visible characters", "须为可见字符")
    return name.strip()


def _alphanumeric(code: str) -> str:
    if not CODE.fullmatch(code):
        raise refusal(PARAMETER, "1 to 32 letters and digits", "须为 1 到 32 个字母或数字")
    return code


def check_userid(userid: str) -> str:
    if not USERID.fullmatch(userid):
        raise refusal(
            PARAMETER,
            "1 to 64 of letters, digits and _@!#$&*+=.|¥￥-",
            "须为 1 到 64 个字母、数字或 _@!#$&*+=.|¥￥-",
        )
    return userid


def _digits(value: Any) -> Any:
    """Read an integer as its digits: some systems number their users, and phones are digits."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return str(value) if is_number else value


def none_for(*zeros: Any) -> BeforeValidator:
    """Read a zero value, which clients with typed fields send for a missing one, as None."""

    def read(value: Any) -> Any:
        is_zero = any(value == zero and type(value) is type(zero) for zero in zeros)
        return None if is_zero else value

    return BeforeValidator(read)


def check_address(url: str) -> str:
    """Check an http(s) URL. UMS calls only the default ports."""
    try:
        parts = urlsplit(url)
        usual = bool(parts.hostname) and parts.port in (None, PORTS.get(parts.scheme))
    except ValueError:
        usual = False
    if not re.fullmatch(r"https?://[\x21-\x7e]+", url) or not usual:
        raise refusal(
            PARAMETER, "must be an http(s) URL on the default port", "须为默认端口的 http(s) 地址"
        )
    return url


def matching(pattern: str, english: str, chinese: str, most: int) -> AfterValidator:
    """Trim a text and match all of it. `most`: bytes. The texts put the pattern in words."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        trimmed = value.strip()
        if not compiled.fullmatch(trimmed) or len(trimmed.encode()) > most:
            raise refusal(PARAMETER, f"must be {english}", f"须为{chinese}")
        return trimmed

    return AfterValidator(check)


_CONTACTS = {
    ChannelType.SMS: Text(
        "a phone number: 5 to 20 digits, + before them if need be",
        "电话号码：5 到 20 位数字，前面可带 +",
    ),
    ChannelType.EMAIL: Text("an e-mail address", "邮箱地址"),
    ChannelType.WECHATWK_LINKEDCORP: Text(
        "CorpId/userid, or userid in the own corporation", "CorpId/userid，本企业成员为 userid"
    ),
}
_ID = Text("1 to 256 visible characters", "1 到 256 个可见字符")


def contact(channel_type: ChannelType) -> AfterValidator:
    """Read a contact in its canonical spelling. Refuse one that nobody can have."""
    words = _CONTACTS.get(channel_type, _ID)

    def read(value: str) -> str:
        canonical = contacts.canonical(channel_type, value)
        if canonical is None:
            raise refusal(PARAMETER, f"must be {words.english}", f"须为{words.chinese}")
        return canonical

    return AfterValidator(read)


def either(name: str, other: str) -> Any:
    """Declare a field that UMS spells in two ways."""
    return Field(default=None, validation_alias=AliasChoices(name, other))


Name = Annotated[str, Field(max_length=30), AfterValidator(_visible)]
Code = Annotated[str, AfterValidator(_alphanumeric)]
Digits = BeforeValidator(_digits, json_schema_input_type=str | Annotated[int, Field(ge=0)])
UserId = Annotated[str, AfterValidator(check_userid), Digits]
Tag = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_@!#$&*+=.|¥￥㐀-䶿一-鿿-]+",
        "letters, Chinese, digits or _@!#$&*+=.|¥￥-, 40 bytes at most",
        "字母、汉字、数字或 _@!#$&*+=.|¥￥-，最多 40 字节",
        40,
    ),
]


class ListQuery(Query):
    """Parameters of a list, which comes in pages."""

    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str, Field(max_length=400)] = ""


class LongListQuery(ListQuery):
    """Parameters of a list that may be long, or whose entries are read one by one."""

    limit: Annotated[int, Field(ge=1, le=100)] = 50


class OfOwner(ListQuery):
    """Parameters of a list of the things that belong to an access channel."""

    channel_key: Annotated[str, Field(min_length=1)]


class Page(Answer):
    """A page of a list. `cursor` leads to the next page, and is null on the last one."""

    cursor: str | None
