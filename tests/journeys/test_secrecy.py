"""Contacts, contents and secrets are readable nowhere in the deployment."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from chalicelib import config
from infra.demo.client import Shop
from infra.demo.platforms import PLATFORMS
from tests.journeys.conftest import STACK, at_once, eventually, finished, scan
from tests.journeys.test_channels import APP, EMAIL, SMS

pytestmark = pytest.mark.alone
WORDS = ("deliver", "reject")


def test_contacts_contents_and_secrets_are_written_down_nowhere(
    shop: Shop, stack: Mapping[str, Any], aws: Any
) -> None:
    sent = at_once(PLATFORMS, lambda platform: Sent(stack, platform)).values()
    marks = {
        "app": f"MARKREG{shop.mark}",
        "sms": f"1{int(shop.mark, 16) % 10_000_000_000:010d}1000",
        "email": f"markmail{shop.mark}@example.com",
        "text": f"MARKTEXT{shop.mark}",
    }
    shop.upload(
        [
            shop.user(
                "marked", app=[marks["app"] + "-silent"], sms=marks["sms"], email=marks["email"]
            )
        ]
    )
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 1}},
        {"channels": ["email"], "condition": {"missing": "clicked", "within": 1}},
    )
    values = {"name": marks["text"], "url": f"https://shop.example/{marks['text']}"}
    finished(
        shop, shop.api.send(["marked"], shop.template(**APP, **SMS, **EMAIL), values, rule_id=rule)
    )
    secrets = [shop.secret, stack["access_secret"], *shop.provider_secrets]
    secrets.append(shop.channels["app"]["webhook_url"].rsplit("/", 1)[1])
    assert all(secrets)
    for over in sent:
        eventually(over.states, lambda states, over=over: states == over.expected)
    marks |= {f"{over.platform} {word}": text for over in sent for word, text in over.marks.items()}
    secrets += [secret for over in sent for secret in over.secrets]
    searched = _searched(aws)
    for where, text in searched.items():
        found = [mark for mark in (*marks.values(), *secrets) if mark in text]
        assert not found, f"{where}: {found}"


class Sent:
    """A message over a platform, to a person whom it reaches and to one whom it refuses."""

    def __init__(self, stack: Mapping[str, Any], platform: str) -> None:
        self.platform, row = platform, PLATFORMS[platform]
        quick = {"jsms": {"report_interval": 1}}
        shop = Shop(stack, kinds=(row.type,), platforms={row.type: platform}, options=quick)
        contacts = {word: shop.contact(row.type, n, word) for n, word in enumerate(WORDS)}
        self._people = {word: f"{shop.mark}{word}" for word in WORDS}
        people = [
            shop.user(self._people[word], **{row.type: contact})
            for word, contact in contacts.items()
        ]
        self.expected = {word: row.state(word) for word in WORDS}
        self.marks = {**contacts, "text": f"MARK{shop.mark}"}  # WeChat takes 20 characters
        self.secrets = [shop.secret, *shop.provider_secrets]
        webhook = shop.channels[row.type]["webhook_url"] or ""
        self.secrets += [token for token in [webhook.rpartition("/")[2]] if token]
        shop.upload(people)
        values = {"name": self.marks["text"], "url": f"https://shop.example/{self.marks['text']}"}
        self._shop = shop
        self._msgid = shop.api.send(
            [*self._people.values()], shop.template(**shop.contents()), values
        )

    def states(self) -> dict[str, str]:
        return {
            word: self._shop.api.target(self._msgid, userid)["state"]
            for word, userid in self._people.items()
        }


def _searched(aws: Any) -> dict[str, str]:
    """Return all that the deployment wrote. The sandbox is not part of it."""
    searched = {
        log.stem: log.read_text(errors="replace")
        for log in STACK.folder.glob("*.log")
        if log.stem != "sandbox"
    }
    assert '"msgid":"' in searched["functions"]
    for table in config.TABLES:
        searched[table] = " ".join(
            _readable(value) for item in scan(aws, table) for value in item.values()
        )
    # The target's id proves that compressed values were read.
    assert '["marked"' in searched["messages"]
    searched["executions"] = _executions(aws)
    searched["log groups"] = _log_groups(aws)
    searched["queues"] = str(_waiting(aws, ""))
    searched["dead letters"] = str(dead_letters(aws))
    searched["names of files"] = str(list(_names_of_files(aws)))
    return searched


def _readable(value: Mapping[str, Any]) -> str:
    """Return a stored value, and its decompressed text, since compression hides nothing."""
    ((kind, content),) = value.items()
    if kind in ("M", "L"):
        return " ".join(map(_readable, content.values() if kind == "M" else content))
    raw = bytes(getattr(content, "value", content)) if kind == "B" else str(content).encode()
    with contextlib.suppress(zlib.error):
        raw += zlib.decompress(raw)
    return raw.decode("utf-8", "replace")


def _executions(aws: Any) -> str:
    """Return the input of the clock's executions, and their history."""
    steps, found = aws.client("stepfunctions"), []
    for machine in steps.list_state_machines()["stateMachines"]:
        pages = steps.get_paginator("list_executions").paginate(
            stateMachineArn=machine["stateMachineArn"]
        )
        newest = [execution["executionArn"] for page in pages for execution in page["executions"]][
            :100
        ]
        found += [
            str(steps.describe_execution(executionArn=arn))
            + str(steps.get_execution_history(executionArn=arn))
            for arn in newest
        ]
    assert found
    return " ".join(found)


def _log_groups(aws: Any) -> str:
    logs, found = aws.client("logs"), []
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"]
            )
            found += [event["message"] for page in pages for event in page["events"]]
    return " ".join(found)


def dead_letters(aws: Any) -> dict[str, Any]:
    return _waiting(aws, "-dead")


def _waiting(aws: Any, ending: str) -> dict[str, Any]:
    """Return what waits in the queues whose names have this ending."""
    sqs, found = aws.client("sqs"), {}
    for url in sqs.list_queues(QueueNamePrefix=config.queue_name(STACK.stage, ""))["QueueUrls"]:
        if url.endswith(ending):
            found[url.rsplit("/", 1)[1]] = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0
            ).get("Messages", [])
    return found


def _names_of_files(aws: Any) -> Iterator[str]:
    s3 = aws.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
            yield from (entry["Key"] for entry in page.get("Contents", []))
