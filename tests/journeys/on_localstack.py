"""Journeys that LocalStack cannot do, with the reason. docs/how-to/localstack.md lists them too."""

from __future__ import annotations

from collections.abc import Mapping

NO_HTTP_API = "the community edition has no HTTP API"
OWN_ANSWERS = "unknown paths and bodies that are too large are answered in LocalStack's own words"
NEVER_FIRES = "schedules of EventBridge Scheduler never fire"
BEHIND_A_STAGE = "the console's addresses begin at the root, where the REST API has its stage"
NO_COUNTS = "only MiniStack's process counts requests"
NO_THROTTLES = "only MiniStack's process throttles a table"

# By `file` or `file::test`.
MISSING: Mapping[str, str] = {
    "test_ab_tests.py::test_the_channel_that_reaches_people_goes_to_the_rest_once": NEVER_FIRES,
    "test_bad_input.py::test_an_over_large_body_is_refused": OWN_ANSWERS,
    "test_bad_input.py::test_an_unknown_path_is_told_in_the_same_shape": OWN_ANSWERS,
    "test_console.py": BEHIND_A_STAGE,
    "test_console_day.py": BEHIND_A_STAGE,
    "test_doors.py": NO_HTTP_API,
    "test_schedules.py": NEVER_FIRES,
    "test_smoke.py::test_the_smoke_test_passes_and_cleans_up": OWN_ANSWERS,
    "test_stack.py::test_accepting_takes_at_most_three_aws_calls": NO_COUNTS,
    "test_throttles.py": NO_THROTTLES,
    "test_ums.py::test_an_attachment_comes_with_the_mail": OWN_ANSWERS,
    "test_ums.py::test_what_is_too_large_names_the_other_way": NO_HTTP_API,
    "test_ums.py::test_what_never_reaches_the_function_is_answered_in_the_same_shape": OWN_ANSWERS,
}


def why_not(file: str, test: str) -> str | None:
    """Return the reason why LocalStack cannot do a test, or None if it can."""
    return MISSING.get(file) or MISSING.get(f"{file}::{test.partition('[')[0]}")
