"""Count a message's chunks again from its facts: `python -m infra.recount MSGID [--stage STAGE] [--name STACK]`.

Counts are always recounted, never incremented, so this gives what the stored counts say, unless a recount is still due. With
`--stage`, the stage on AWS is asked, with the credentials of the environment; else the local stack.
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from chalicelib import config
from infra.deploy import aws
from infra.local.deployment import local_aws
from infra.local.stack import STAGES, Stack


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m infra.recount", description=__doc__.splitlines()[0]
    )
    parser.add_argument("msgid")
    parser.add_argument("--stage", help="a stage on AWS; the local stack by default")
    parser.add_argument("--name", default="demo", help="which local stack")
    given = parser.parse_args()
    if given.stage:
        _recount(aws(), given.stage, given.msgid)
        return
    stack = Stack(given.name, STAGES.get(given.name, "local"))
    with local_aws(json.loads(stack.description.read_text())["emulator_url"]) as session:
        os.environ.update(
            AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1"
        )
        _recount(session, stack.stage, given.msgid)


def _recount(session: Any, stage: str, msgid: str) -> None:
    """With the environment of the function that recounts, so that nothing is configured twice."""
    function = session.client("lambda").get_function_configuration(
        FunctionName=config.function_name(stage, "audience")
    )
    os.environ.update(function["Environment"]["Variables"])
    print_counts(msgid)


def print_counts(msgid: str) -> None:
    """A line per chunk, walker by walker: each has chunks of its own."""
    from chalicelib import wiring
    from chalicelib.domain.plans import ChunkId
    from chalicelib.flow import tally

    world = wiring.world()
    message, before = world.messages.get(msgid), world.messages.counts(msgid)
    counted = 0
    for chunk in message.first_chunks if message else ():
        while message and (counts := tally.recount_chunk(world, ChunkId(msgid, chunk))) is not None:
            same = (
                "as stored"
                if chunk in before and before[chunk].plain() == counts.plain()
                else "stored anew"
            )
            print(f"chunk {chunk}: {dict(counts.users)} ({same})")
            counted += 1
            chunk = message.chunk_after(chunk)
    if not counted:
        raise SystemExit(f"no message {msgid}, or its history has expired")


if __name__ == "__main__":
    main()
