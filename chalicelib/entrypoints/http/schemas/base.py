"""What the shapes share: strictness, refusals with a business code, and fields that several of them have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError

from chalicelib.entrypoints.http.bodies import BadBody, field_name
from chalicelib.entrypoints.http.errors import PARAMETER

MAX_ERRORS = 20  # that a reply lists
PORTS = {"http": 80, "https": 443}

CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
# UMS allows letters, digits, underscore and @!#$&*+=.|¥, whose yen is ￥ in its Chinese pages; hyphens are added for UUIDs.
USERID = re.compile(r"[A-Za-z0-9_@!#$&*+=.|¥￥-]{1,64}", re.ASCII)

_NULL = {"type": "null"}
_UMS = "ums_"  # error types of our own carry a business code: ums_1015085
_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be a text",
    "int_type": "must be an integer",
    "bool_type": "must be true or false",
}


class Strict(BaseModel):
    """A body: no coercion, no unknown fields. Validators are built when they are first needed: most containers need few."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class Sparse(Strict):
    """A body that is read without its nulls (bodies.without_nulls), as its schema says: null is as left out, whatever its name."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        shape = handler.resolve_ref_schema(schema)
        shape["additionalProperties"] = _NULL
        for name, field in shape["properties"].items():
            if name not in shape.get("required", ()) and _NULL not in field.get("anyOf", ()):
                said = {
                    about: field.pop(about)
                    for about in ("default", "description")
                    if about in field
                }
                shape["properties"][name] = {"anyOf": [field, _NULL], **said}
        return schema


class Patch(Strict):
    """A change of some fields: what is left out, or null where null means nothing, stays."""

    nullable: ClassVar[frozenset[str]] = frozenset()

    def changes(self) -> dict[str, Any]:
        return {
            n: v
            for n in self.model_fields_set
            if (v := getattr(self, n)) is not None or n in self.nullable
        }


class Query(BaseModel):
    """What stands behind the question mark: all of it texts, read as numbers where numbers are meant."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class Answer(BaseModel):
    """What a route answers. It describes and, in tests, checks; nothing is validated on the way out."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Versioned(Answer):
    """What can be changed from the version that it has, which is also its `ETag`."""

    version: int


M = TypeVar("M", bound=BaseModel)


def refusal(code: int, reason: str) -> PydanticCustomError:
    """For validators: a refusal with a business code of its own."""
    return PydanticCustomError(f"{_UMS}{code}", "{reason}", {"reason": reason})


def validate(shape: type[M], value: Any) -> M:
    """Raises Refused with the first thing that is wrong, naming its field."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise _refused(
            error.errors(include_url=False, include_context=False, include_input=False)
        ) from None


def _refused(errors: Sequence[ErrorDetails]) -> BadBody:
    described = [(field_name(e["loc"]) or "body", _reason(e)) for e in errors]
    kind = errors[0]["type"]
    code = int(kind.removeprefix(_UMS)) if kind.startswith(_UMS) else PARAMETER
    return BadBody(code, described[:MAX_ERRORS])


def _reason(error: ErrorDetails) -> str:
    return _WORDS.get(error["type"], error["msg"])


def _visible(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise refusal(PARAMETER, "must be visible characters")
    return name.strip()


def _alphanumeric(code: str) -> str:
    if not CODE.fullmatch(code):
        raise refusal(PARAMETER, "1 to 32 letters and digits")
    return code


def check_userid(userid: str) -> str:
    if not USERID.fullmatch(userid):
        raise refusal(PARAMETER, "1 to 64 of letters, digits and _@!#$&*+=.|¥￥-")
    return userid


def check_address(url: str) -> str:
    """UMS calls no other ports than the usual ones."""
    try:
        parts = urlsplit(url)
        usual = bool(parts.hostname) and parts.port in (None, PORTS.get(parts.scheme))
    except ValueError:
        usual = False
    if not re.fullmatch(r"https?://[\x21-\x7e]+", url) or not usual:
        raise refusal(PARAMETER, "must be an http or https address without a port of its own")
    return url


def matching(pattern: str, words: str, most: int) -> AfterValidator:
    """Trimmed, and in one piece as the pattern says."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        trimmed = value.strip()
        if not compiled.fullmatch(trimmed) or len(trimmed.encode()) > most:
            raise refusal(PARAMETER, f"must be {words}")
        return trimmed

    return AfterValidator(check)


def either(name: str, other: str) -> Any:
    """A field that UMS writes in two ways."""
    return Field(default=None, validation_alias=AliasChoices(name, other))


Name = Annotated[str, Field(max_length=30), AfterValidator(_visible)]
Code = Annotated[str, AfterValidator(_alphanumeric)]
UserId = Annotated[str, AfterValidator(check_userid)]
Tag = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_@!#$&*+=.|¥￥㐀-䶿一-鿿-]+",
        "letters, Chinese, digits or _@!#$&*+=.|¥￥-, 40 bytes at most",
        40,
    ),
]


class ListQuery(Query):
    """Lists come in pages."""

    limit: Annotated[int, Field(ge=1, le=500, description="How many at most.")] = 100
    cursor: Annotated[str, Field(max_length=400, description="`cursor` of the page before.")] = ""


class OfOwner(ListQuery):
    """Lists of what belongs to an access channel."""

    channel_key: Annotated[str, Field(min_length=1, description="Whose.")]


class Page(Answer):
    """`cursor` leads to the next page; null: this was the last."""

    cursor: str | None
