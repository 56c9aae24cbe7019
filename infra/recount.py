"""Count a message's chunks again from facts: `python -m infra.recount MSGID [--stage STAGE]`.

With `--stage`, it asks the stage on AWS, with the credentials of the environment. Otherwise it asks
the local stack, whose name is `--name`. Counts are always recounted, never incremented. So this
prints what the stored counts say, unless a recount is still due.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import config
from infra import aws_errors
from infra.local.deployment import local_aws
from infra.local.files import LOCAL, Stack, read
from infra.stacks import DeploymentFailed, aws


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m infra.recount", description=__doc__.splitlines()[0]
    )
    parser.add_argument("msgid")
    parser.add_argument("--stage", help="a stage on AWS; the local stack by default")
    parser.add_argument("--name", default="demo", help="which local stack")
    arguments = parser.parse_args()
    if arguments.stage:
        try:
            _recount(aws(), arguments.stage, arguments.msgid)
        except DeploymentFailed as failure:
            sys.exit(str(failure))
        except (BotoCoreError, ClientError) as error:
            sys.exit(aws_errors.explain(error))
        return
    address, stage = local_stack(arguments.name)
    with local_aws(address) as session:
        os.environ.update(
            AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1"
        )
        _recount(session, stage, arguments.msgid)


def local_stack(name: str, home: Path = LOCAL) -> tuple[str, str]:
    """Return the emulator's address and the stage of a local stack. Exits if it is not up."""
    described = read(Stack(name, "", home).description)
    if not described:
        sys.exit(f"no local stack {name} is up: make up NAME={name}")
    return described["emulator_url"], described["stage"]


def _recount(session: Any, stage: str, msgid: str) -> None:
    """Take over the environment of the function that recounts: nothing is configured twice."""
    function = session.client("lambda").get_function_configuration(
        FunctionName=config.function_name(stage, "chunks")
    )
    os.environ.update(function["Environment"]["Variables"])
    print_counts(msgid)


def print_counts(msgid: str) -> None:
    """Print a line per chunk, partition by partition."""
    from chalicelib import wiring
    from chalicelib.domain.plans import ChunkId
    from chalicelib.flow import tally

    world = wiring.world()
    message, before = world.messages.get(msgid), world.messages.counts(msgid)
    counted = 0
    for chunk in message.first_chunks if message else ():
        while message and (counts := tally.recount_chunk(world, ChunkId(msgid, chunk))) is not None:
            stored = before.get(chunk)
            is_same = stored is not None and stored.plain() == counts.plain()
            change = "as stored" if is_same else "stored anew"
            print(f"chunk {chunk}: {dict(counts.users)} ({change})")
            counted += 1
            chunk = message.chunk_after(chunk)
    if not counted:
        raise SystemExit(f"no message {msgid}, or its history has expired")


if __name__ == "__main__":
    main()
