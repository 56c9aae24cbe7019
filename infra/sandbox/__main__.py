"""The command line of the sandbox.

`python -m infra.sandbox --http-port P --smtp-port P1 --smtps-port P2 --starttls-port P3
--cmpp-port P4`
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from infra.sandbox.server import Ports, serve
from infra.sandbox.vendor import Options


def main(options: Sequence[str] | None = None) -> None:
    arguments = _arguments(options)
    ports = Ports(
        http=arguments.http_port,
        smtp=arguments.smtp_port,
        smtps=arguments.smtps_port,
        starttls=arguments.starttls_port,
        cmpp=arguments.cmpp_port,
    )
    behaviour = Options(
        host=arguments.host,
        late=arguments.late,
        timeout_hang=arguments.timeout_hang,
        retry_after=arguments.retry_after,
        retry_first=arguments.retry_first,
        pace=arguments.pace,
    )
    with tempfile.TemporaryDirectory(prefix="openums-sandbox-") as temporary:
        asyncio.run(serve(ports, behaviour, arguments.state_dir or Path(temporary)))


def _add_addresses(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="where to listen; 0.0.0.0 in a container of its own"
    )
    for name in ("http", "smtp", "smtps", "starttls", "cmpp"):
        parser.add_argument(
            f"--{name}-port", type=int, default=0, help="0: a free port, printed at the start"
        )


def _arguments(options: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m infra.sandbox",
        description="The provider sandbox (docs/reference/sandbox.md).",
    )
    _add_addresses(parser)
    parser.add_argument("--late", type=float, default=30.0, help="seconds until a late receipt")
    parser.add_argument(
        "--timeout-hang",
        type=float,
        default=30.0,
        help="seconds for which a call that times out stays open without an answer",
    )
    parser.add_argument(
        "--retry-after", type=int, default=2, help="`Retry-After` of a throttled call, in seconds"
    )
    parser.add_argument(
        "--retry-first",
        type=float,
        default=1.0,
        help="seconds until the first retry of a failed webhook; each later retry doubles them",
    )
    parser.add_argument(
        "--pace", type=float, default=1.0, help="the share of its waits that the CMPP gateway takes"
    )
    parser.add_argument(
        "--state-dir", type=Path, help="folder for the certificate; a temporary one by default"
    )
    return parser.parse_args(options)


if __name__ == "__main__":
    main()
