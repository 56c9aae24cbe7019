"""The reasons of refusals by pydantic, in our words. Its own are for programmers, in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.entrypoints.http.language import Text

# By pydantic's error types. Braces are filled from the context of an error.
REASONS: Mapping[str, Text] = {
    "missing": Text("is required", "缺失"),
    "extra_forbidden": Text("is not a known field", "是未知字段"),
    "model_type": Text("must be an object", "须为对象"),
    "dict_type": Text("must be an object", "须为对象"),
    "list_type": Text("must be a list", "须为数组"),
    "string_type": Text("must be a text", "须为字符串"),
    "int_type": Text("must be an integer", "须为整数"),
    "int_parsing": Text("must be an integer", "须为整数"),
    "int_parsing_size": Text("must be a smaller integer", "整数过大"),
    "int_from_float": Text("must be an integer", "须为整数"),
    "float_type": Text("must be a number", "须为数字"),
    "finite_number": Text("must be a finite number", "须为有限的数字"),
    "bool_type": Text("must be true or false", "须为 true 或 false"),
    "date_type": Text("must be a date, as in 2027-01-15", "须为日期，例如 2027-01-15"),
    "date_parsing": Text("must be a date, as in 2027-01-15", "须为日期，例如 2027-01-15"),
    "date_from_datetime_parsing": Text(
        "must be a date, as in 2027-01-15", "须为日期，例如 2027-01-15"
    ),
    "date_from_datetime_inexact": Text("must be a date without a time", "须为不带时间的日期"),
    "enum": Text("must be {expected}", "须为 {expected}"),
    "literal_error": Text("must be {expected}", "须为 {expected}"),
    "greater_than": Text("must be more than {gt}", "须大于 {gt}"),
    "greater_than_equal": Text("must be at least {ge}", "不能小于 {ge}"),
    "less_than": Text("must be less than {lt}", "须小于 {lt}"),
    "less_than_equal": Text("must be at most {le}", "不能大于 {le}"),
    "string_pattern_mismatch": Text("has another form than {pattern}", "格式须为 {pattern}"),
    "string_too_short": Text(
        "must have at least {min_length} characters", "至少 {min_length} 个字符"
    ),
    "string_too_long": Text(
        "must have at most {max_length} characters", "最多 {max_length} 个字符"
    ),
    "too_short": Text(
        "must have at least {min_length} entries, not {actual_length}",
        "至少 {min_length} 项，不能为 {actual_length} 项",
    ),
    "too_long": Text(
        "must have at most {max_length} entries, not {actual_length}",
        "最多 {max_length} 项，不能为 {actual_length} 项",
    ),
}
_OTHER = Text("is not valid", "不正确")


def reason(kind: str, context: Mapping[str, Any]) -> Text:
    """Return the reason of an error of this type."""
    text = REASONS.get(kind, _OTHER)
    chinese = {
        name: value.replace(" or ", " 或 ") if isinstance(value, str) else value
        for name, value in context.items()
    }
    return Text(text.english.format_map(context), text.chinese.format_map(chinese))
