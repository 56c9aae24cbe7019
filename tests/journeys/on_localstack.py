"""Journeys that LocalStack cannot do, with the reason. docs/how-to/localstack.md lists them too."""

from __future__ import annotations

from collections.abc import Mapping

NO_HTTP_API = "the community edition has no HTTP API"
OWN_ANSWERS = "unknown paths are answered in LocalStack's own words"
NEVER_FIRES = "schedules of EventBridge Scheduler never fire"
NO_COUNTS = "only MiniStack's process counts requests"
NO_THROTTLES = "only MiniStack's process throttles a table"

# By `file` or `file::test`.
MISSING: Mapping[str, str] = {
    "test_doors.py": NO_HTTP_API,
    "test_schedules.py": NEVER_FIRES,
    "test_stack.py::test_accepting_takes_at_most_three_aws_calls": NO_COUNTS,
    "test_throttles.py": NO_THROTTLES,
    "test_ums.py::test_an_attachment_comes_with_the_mail": OWN_ANSWERS,
    "test_ums.py::test_what_is_too_large_names_the_other_way": NO_HTTP_API,
    "test_ums.py::test_what_never_reaches_the_function_is_answered_in_the_same_shape": OWN_ANSWERS,
}


def why_not(file: str, test: str) -> str | None:
    """Return the reason why LocalStack cannot do a test, or None if it can."""
    return MISSING.get(file) or MISSING.get(f"{file}::{test.partition('[')[0]}")
