"""Common code of the providers: check settings, read answers, and map a vendor's errors."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from chalicelib.domain.errors import (
    UNKNOWN_FIELD,
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
    Unverified,
)
from chalicelib.domain.provider_io import Outcome, Receipt, Reply, Token, Webhook, WebhookRequest
from chalicelib.ports import Registry
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

log = logging.getLogger(__name__)

ErrorTable = Mapping[str, type[ProviderError]]
T = TypeVar("T")

MAX_RETRY_AFTER = 3600.0  # seconds. A provider's hint may be anything, so it is capped.

JSON = "application/json"  # the media type of a reply to a webhook

CHINA = timezone(timedelta(hours=8), "China")  # the clock of vendors that name no time zone

MASK = "***"
_QUOTES = re.compile(r"@|\d{8}")  # an address, or a number as long as a telephone's

_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,256}")


class PlainProvider:
    """Base of a provider whose platform has no webhooks."""

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        return {}

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        raise Unverified("this platform posts nothing")


class PlainSession:
    """Base of a session without what only some platforms have."""

    def prepare(self) -> None:
        return None

    def token(self) -> str | None:
        return None

    def token_for(self, content: Mapping[str, Any]) -> str | None:
        return self.token()

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        return ()

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        raise Rejected("no_recall")

    def access_token(self) -> Token | None:
        return None

    def authorisation_link(self, redirect_uri: str) -> str:
        raise Rejected("no_authorisation")

    def registry(self) -> Registry:
        raise Rejected("no_templates")


def settings(required: str = "", optional: str = "") -> Mapping[str, bool]:
    """Return setting names for capabilities, and whether each is required.

    Names are separated by blanks.
    """
    return {**dict.fromkeys(required.split(), True), **dict.fromkeys(optional.split(), False)}


def check_names(raw: Mapping[str, Any], allowed: Iterable[str], path: str) -> None:
    """Raise Invalid for an unknown name, most often a misspelt one."""
    unknown = sorted(set(raw) - set(allowed))
    if unknown:
        raise Invalid(f"{path}.{unknown[0]}" if path else str(unknown[0]), UNKNOWN_FIELD)


def required_text(raw: Mapping[str, Any], key: str, path: str = "", limit: int = 4096) -> str:
    name = f"{path}.{key}" if path else key
    value = raw.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Invalid(name, "is required and must be a text")
    if len(value) > limit:
        raise Invalid(name, "must have at most {most} characters", most=limit)
    return value


def optional_text(raw: Mapping[str, Any], key: str, path: str = "", limit: int = 4096) -> str:
    return "" if raw.get(key) in (None, "") else required_text(raw, key, path, limit)


def optional_url(options: Mapping[str, Any], key: str, policy: Policy, default: str = "") -> str:
    """Return the address of a service without a trailing slash.

    Raises Invalid if egress can never allow it.
    """
    url = optional_text(options, key, "options") or default
    reason = policy.refusal(url) if url else None
    if reason is not None:
        raise Invalid(f"options.{key}", reason)
    return url.rstrip("/")


def error_code(body: Any) -> str | None:
    """Return the code of `{"error": {"code": 1004, "message": …}}`, which JPush and JSMS share."""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return str(code) if isinstance(code, (int, str)) and not isinstance(code, bool) else None


def vendor_error(
    response: Response,
    table: ErrorTable,
    statuses: Mapping[int, type[ProviderError]],
    code: str | None = None,
) -> ProviderError:
    """Return the error of an unsuccessful response.

    A 429 is always Throttled. Otherwise the vendor's code decides the class, else `statuses`, else
    the rules of HTTP. `code`: the vendor's code, if the body does not have it in `error.code`.
    """
    code = code_word(code or error_code(response.json()))
    hint = retry_after(response)
    if response.status == 429:
        return Throttled(code or "http_429", retry_after=hint)
    error = table.get(code) if code else None
    if error is None:
        if code:
            log.warning(
                "provider code unknown",
                extra={"provider_code": code[:20], "http_status": response.status},
            )
        error = statuses.get(response.status) or _by_status(
            response.status, answered=code is not None
        )
    return error(code or f"http_{response.status}", retry_after=hint)


def code_word(code: str | None) -> str | None:
    """Return a vendor's code, or a mask for what is longer than a code: it may quote a number."""
    return MASK if code and (len(code) > 64 or _QUOTES.search(code)) else code


def coded_error(response: Response, table: ErrorTable, code: str) -> ProviderError:
    """Return the error of a failed answer, from a vendor that also sends codes with status 200.

    `code`: the vendor's code, empty if the answer has none. `0` is success at the vendor, so the
    HTTP status decides. With status 200, a code that is missing from the table is a refusal.
    """
    return vendor_error(
        response,
        table,
        {200: Rejected} if code not in ("", "0") else {},
        code if code != "0" else None,
    )


def safe_error(error: ProviderError) -> ProviderError:
    """Return the error of a request that changes nothing at the provider: never uncertain."""
    return Unavailable(error.code) if isinstance(error, Uncertain) else error


def preparing_error(error: ProviderError) -> ProviderError:
    """Return the error of what precedes every message, such as a token. It loses no message."""
    return Misconfigured(error.code) if isinstance(error, Rejected) else safe_error(error)


def _by_status(status: int, *, answered: bool) -> type[ProviderError]:
    """Return the error of an HTTP status.

    `answered`: the answer is the vendor's own, not a gateway's. The vendor then knows that it did
    not take the call.
    """
    if status in (401, 403, 404, 405) or 300 <= status < 400:
        return Misconfigured
    if 400 <= status < 500:
        return Unavailable if status in (408, 425) else Rejected
    if status == 503 or (status >= 500 and answered):
        return Unavailable
    return Uncertain


def safe_request(http: Http, method: str, url: str, **options: Any) -> Response:
    """Send a request that changes nothing at the provider. Without an answer it can be repeated."""
    try:
        return http.request(method, url, **options)
    except Uncertain as error:
        raise Unavailable(error.code) from error


def retry_after(response: Response) -> float | None:
    """Return seconds from Retry-After, or from the time until JPush's window of a minute ends."""
    for name in ("retry-after", "x-rate-limit-reset"):
        value = response.headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,3})?", value, re.ASCII):
            return min(float(value), MAX_RETRY_AFTER)
    return None


def read_json(body: bytes | str, field: str) -> Any:
    """Parse JSON. Raises Invalid for other text, and for nesting meant to break the parser."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid(field, "is not readable JSON") from None


def read_form(body: bytes, encoding: str = "utf-8") -> dict[str, str]:
    """Parse a form. Raises Invalid for other bytes, and for more fields than any vendor sends."""
    try:
        return dict(parse_qsl(body.decode(encoding), max_num_fields=30, encoding=encoding))
    except ValueError:
        raise Invalid("body", "is not a readable form") from None


def read_entries(
    what: str, listed: Any, read: Callable[[Mapping[str, Any]], T | None], provider: str
) -> list[T]:
    """Read the entries that a vendor has reported: a list, or one alone.

    Entries that cannot be understood are counted in the log.
    """
    entries = listed if isinstance(listed, list) else [listed]
    results = []
    for entry in entries:
        result = read(entry) if isinstance(entry, Mapping) else None
        if result is not None:
            results.append(result)
    if len(results) < len(entries):
        log.warning(
            f"{what} not understood",
            extra={"provider": provider, "count": len(entries) - len(results)},
        )
    return results


def milliseconds(value: Any) -> int | None:
    """Return milliseconds, at least one, of a time in seconds or milliseconds.

    The time is a number or digits. None for anything else.
    """
    if isinstance(value, str) and re.fullmatch(r"\d{1,16}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e16:
        return None
    return int(value * 1000 if value < 1e11 else value) or None


def number(value: Any) -> int | None:
    """Return a positive id, given as number or digits. None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 < value < 10**18 else None


def china_time(value: Any, form: str) -> int | None:
    """Return milliseconds of a time on China's clock, in a format of strptime.

    None for anything else.
    """
    if not isinstance(value, str):
        return None
    try:
        time = datetime.strptime(value.strip(), form).replace(tzinfo=CHINA).timestamp()
    except (ValueError, OverflowError):
        return None
    return int(time * 1000) if time > 0 else None


def identifier(value: Any) -> str:
    """Return an id, code or contact as a vendor writes it: visible ASCII.

    Anything else, such as half a surrogate pair, returns an empty text.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return ""
    if isinstance(value, int) and abs(value) >= 10**30:
        return ""
    return str(value) if _IDENTIFIER.fullmatch(str(value)) else ""
