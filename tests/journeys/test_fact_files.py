"""Figures and fact files on a running stack whose functions are ended: both equal the facts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import requests

from chalicelib import config
from chalicelib.domain import envelopes, keys
from chalicelib.domain.figures import quarter_of
from chalicelib.domain.jobs import FactsJob
from infra.bench import quiet
from infra.demo.client import Shop
from infra.package import ROOT
from infra.stacks import describe, stack_name
from tests.journeys.conftest import STACK, eventually, finished

pytestmark = pytest.mark.alone

STAGES = ("planned", "valid", "submitted", "delivered", "clicked")
MANY = 120  # a large message, whose chunks are recounted
ENDED = ("tally", "history", "chunks", "deliver_app", "facts")
SQL = (ROOT / "docs" / "reference" / "fact-files.sql").read_text()


def end_functions(stack: Mapping[str, Any]) -> int:
    """End the processes that count, deliver and write files, as by a failing machine."""
    workers = requests.get(stack["emulator_url"] + "/_openums/workers", timeout=10).json()
    ended = 0
    for worker in workers:
        if worker["function"] in ENDED:
            try:
                os.kill(worker["pid"], signal.SIGKILL)
            except ProcessLookupError:
                continue
            ended += 1
    return ended


def statistics(shop: Shop) -> dict[str, int]:
    rows = shop.admin.ask("GET", f"/admin/v1/statistics?channel_key={shop.key}")["figures"]
    found = Counter({"requests": sum(row["requests"] for row in rows)})
    for row in rows:
        for of in ("users", "deliveries"):
            found.update({f"{of}.{stage}": row[of][stage] for stage in STAGES})
    return {name: number for name, number in found.items() if number}


@pytest.fixture(scope="module")
def sent(stack: Mapping[str, Any], shop: Shop) -> list[str]:
    """Messages to one, to some and to many, while functions are ended."""
    words = ("deliver", "silent", "double", "click")
    people = {f"{shop.mark}-p{n}": f"{shop.mark}p{n}-{words[n % 4]}" for n in range(MANY)}
    shop.upload([shop.user(userid, app=[contact]) for userid, contact in people.items()])
    template = shop.template(app={"title": "t", "alert": "a"})
    everyone = list(people)
    audiences = [[userid] for userid in everyone[:12]]
    audiences += [[*everyone[:3], "nobody"], [*everyone, "nobody"]]
    sent, ended = [], 0
    for number, audience in enumerate(audiences):
        sent.append(shop.api.send(audience, template, {}))
        if number % 3 == 0:
            ended += end_functions(stack)
    for _ in range(3):
        time.sleep(1)
        ended += end_functions(stack)
    assert ended >= len(ENDED)
    return sent


def test_figures_are_those_of_a_recount_after_functions_were_ended(
    stack: Mapping[str, Any], shop: Shop, sent: list[str]
) -> None:
    reports = [finished(shop, msgid)["funnel"] for msgid in sent]
    waiting = [shop.api.message(msgid)["progress"]["unsubmitted"] for msgid in sent]
    assert not any(waiting)

    def expected() -> dict[str, int]:
        total = Counter({"requests": len(sent)})
        for msgid in sent:
            funnel = shop.api.message(msgid)["funnel"]
            total.update({f"users.{stage}": funnel["users"][stage] for stage in STAGES})
            for stages in funnel["channels"].values():
                total.update({f"deliveries.{stage}": stages[stage] for stage in STAGES})
        return {name: number for name, number in total.items() if number}

    def counted() -> tuple[dict[str, int], dict[str, int]]:
        quiet.sweep(stack)
        return statistics(shop), expected()

    figures, wanted = eventually(counted, lambda found: found[0] == found[1])
    assert figures == wanted
    assert wanted["users.planned"] == sum(report["users"]["planned"] for report in reports)
    command = [sys.executable, "-m", "infra.recount", sent[-1], "--name", STACK.name]
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "as stored" in again.stdout
    assert "anew" not in again.stdout


def test_duckdb_reads_from_the_fact_files_what_the_statistics_say(
    stack: Mapping[str, Any], shop: Shop, sent: list[str], aws: Any, tmp_path: Path
) -> None:
    figures = statistics(shop)
    units = {FactsJob("", quarter_of(keys.message_time(msgid))) for msgid in sent}
    jobs = [*sorted(units, key=lambda job: job.number), FactsJob(sent[-1], 0)]
    write(aws, jobs)
    end_functions(stack)
    write(aws, jobs)  # the same jobs come twice

    def read() -> dict[str, int]:
        folder = download(aws, tmp_path / str(time.monotonic_ns()))
        return in_files(folder, shop.key)

    assert eventually(read, lambda found: found == figures) == figures
    targets = targets_of(download(aws, tmp_path / "last"), shop.key)
    assert targets == {f"{shop.mark}-p{n}" for n in range(MANY)} | {"nobody"}


def write(aws: Any, jobs: list[FactsJob]) -> None:
    """Queue jobs, as a sweep does when their timers are due."""
    sqs = aws.client("sqs")
    queue = config.queue_name(STACK.stage, config.facts_queue())
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    for job in jobs:
        sqs.send_message(QueueUrl=url, MessageBody=envelopes.encode(job))


def download(aws: Any, folder: Path) -> Path:
    described = describe(aws.client("cloudformation"), stack_name(STACK.stage)) or {}
    outputs = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
    s3, bucket = aws.client("s3"), outputs["FactsBucket"]
    for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        (folder / entry["Key"]).parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, entry["Key"], str(folder / entry["Key"]))
    return folder


def views(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open the files with the views that the documents have, by day as Hive names it."""
    connection = duckdb.connect()
    connection.execute(
        f"CREATE VIEW facts AS SELECT * FROM read_parquet('{folder}/facts/*/*.parquet',"
        " hive_partitioning = true, hive_types_autocast = false)"
    )
    for statement in SQL[SQL.index("-- A row per delivery") :].split(";"):
        if statement.strip():
            connection.execute(statement)
    return connection


def in_files(folder: Path, key: str) -> dict[str, int]:
    if not folder.exists():
        return {}
    query = "SELECT figure, sum(value) FROM figures WHERE access_channel = ? GROUP BY figure"
    rows = views(folder).execute(query, [key]).fetchall()
    return {name: int(value) for name, value in rows if value}


def targets_of(folder: Path, key: str) -> set[str]:
    query = "SELECT DISTINCT target FROM facts WHERE fact = 'target' AND access_channel = ?"
    found = views(folder).execute(query, [key]).fetchall()
    text = json.dumps(views(folder).execute("SELECT * FROM facts").fetchall(), default=str)
    assert "p0-deliver" not in text, "a contact is in a file"
    return {target for (target,) in found}
