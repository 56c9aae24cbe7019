"""Queues and the stream, and the functions that read them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import pytest

from chalicelib import config
from chalicelib.domain.delivery_channels import Priority
from chalicelib.entrypoints.lambdas.runtime import PATIENCE
from chalicelib.flow.delivery.budget import RECORDING
from chalicelib.providers import registry
from tests.template.conftest import DELIVER, Resource, outside_china, queue_of, sources

Functions = Mapping[str, Resource]


def test_every_queue_has_exactly_one_consumer(functions: Functions, queues: Functions) -> None:
    consumers = Counter(
        queue_of(source) for function in functions.values() for source in sources(function, "SQS")
    )
    fed = {logical_id for logical_id, queue in queues.items() if "RedrivePolicy" in queue}
    workers = {f"Cmpp{priority.value}Queue" for priority in Priority}
    assert consumers == Counter(fed - workers)
    assert workers <= fed


def test_every_family_of_jobs_has_a_queue_for_each_priority(queues: Functions) -> None:
    names = {queue["QueueName"] for queue in queues.values() if "RedrivePolicy" in queue}
    chunks = {config.chunks_queue(priority) for priority in Priority}
    delivery = {
        config.delivery_queue(each, priority)
        for each in config.SUPPORTED_CHANNEL_TYPES
        for priority in Priority
    }
    workers = {config.worker_queue("cmpp", priority) for priority in Priority}
    single = {config.imports_queue(), config.callbacks_queue(), config.facts_queue()}
    assert names == {
        config.queue_name("prod", name) for name in chunks | delivery | workers | single
    }


def test_every_event_source_reports_failed_items_and_has_a_concurrency_of_its_own(
    functions: Functions,
) -> None:
    for name, function in functions.items():
        for source in sources(function, "SQS"):
            assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name
            assert source["ScalingConfig"]["MaximumConcurrency"] >= 2, name
        for source in sources(function, "DynamoDB"):
            assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_a_queue_hides_a_message_for_six_times_what_its_function_may_take(
    functions: Functions, queues: Functions
) -> None:
    for function in functions.values():
        for source in sources(function, "SQS"):
            assert queues[queue_of(source)]["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_a_code_waits_for_four_jobs_at_most_and_any_other_for_nine(functions: Functions) -> None:
    for name in DELIVER:
        sizes = {queue_of(s)[-6:]: s["BatchSize"] for s in sources(functions[name], "SQS")}
        urgent = 1 if name == "deliver_email" else 5
        assert sizes == {"1Queue": urgent, "2Queue": 10, "3Queue": 10}, name


def test_other_batches_are_as_large_as_their_jobs_are_small(functions: Functions) -> None:
    sizes = {"chunks": {10}, "callbacks": {10}, "imports": {1}, "facts": {1}}
    for name, size in sizes.items():
        assert {source["BatchSize"] for source in sources(functions[name], "SQS")} == size


@pytest.mark.parametrize("platform", registry.capabilities())
def test_the_last_job_that_a_batch_begins_has_time_for_its_call(
    functions: Functions, platform: str
) -> None:
    """A batch begins no other job after its patience. The connection may be slow, too."""
    can = registry.capabilities()[platform]
    function = functions[config.deliver_function(can.type)]
    variables = function["Environment"]["Variables"]
    timeout, lease = float(variables["PROVIDER_TIMEOUT"]), float(variables["LEASE"])
    needed = (can.exchanges + can.preparation) * timeout + RECORDING
    assert can.worker or lease / PATIENCE + needed < function["Timeout"]


def test_queues_leave_the_api_a_quarter_of_what_an_account_may_run_at_once(
    functions: Functions,
) -> None:
    at_once = [
        source["ScalingConfig"]["MaximumConcurrency"]
        for name, function in functions.items()
        for source in sources(function, "SQS")
        if name != "facts"  # two at most, where it is on
    ]
    assert sum(at_once) == 720  # as docs/how-to/deploy.md says
    assert sum(at_once) <= 750


def test_functions_that_feed_their_own_queue_may_run_in_a_loop_and_no_others(
    functions: Functions,
) -> None:
    looping = {name for name, each in functions.items() if "RecursiveLoop" in each}
    assert looping == {"chunks", "imports", "callbacks", *DELIVER}
    assert {
        name for name in looping if outside_china(functions[name]["RecursiveLoop"]) == "Allow"
    } == looping


CHANGING = ["plan", {"prefix": "go#"}, {"prefix": "answer#"}, {"prefix": "facts#"}]


@pytest.mark.parametrize(
    ("function", "table", "inserts"),
    [
        (
            "tally",
            "LedgerTable",
            [
                {"Keys": {"sk": {"S": CHANGING}}},
                {"NewImage": {"callbacks": {"S": [{"exists": True}]}}},
            ],
        ),
        ("history", "MessagesTable", [{"Keys": {"sk": {"S": ["message"]}}}]),
    ],
)
def test_a_stream_brings_the_inserts_that_matter_and_gives_up_to_the_bucket(
    functions: Functions, function: str, table: str, inserts: list[Resource]
) -> None:
    (stream,) = sources(functions[function], "DynamoDB")
    patterns = [json.loads(each["Pattern"]) for each in stream["FilterCriteria"]["Filters"]]
    assert patterns == [{"eventName": ["INSERT"], "dynamodb": insert} for insert in inserts]
    assert stream["Stream"] == {"Fn::GetAtt": [table, "StreamArn"]}
    assert stream["BatchSize"] == 500
    assert stream["MaximumBatchingWindowInSeconds"] == {"Ref": "BatchingWindow"}
    assert stream["BisectBatchOnFunctionError"] is True
    assert 0 < stream["MaximumRetryAttempts"] < 100
    assert outside_china(stream["DestinationConfig"]["OnFailure"]) == {
        "Destination": {"Fn::GetAtt": ["FilesBucket", "Arn"]}
    }
