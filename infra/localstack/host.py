"""LocalStack 4.14 on this machine, without Docker: `python -m infra.localstack.host`.

It runs in LocalStack's own virtual environment. infra/localstack/emulator.py sets its variables.
LocalStack stays as it is, except for two things that it would run in containers or download.
Functions run in bare processes (executor.py), and MiniStack is the engine of DynamoDB.
"""

from __future__ import annotations

from typing import Any


def main() -> None:
    _run_functions_in_processes()
    _leave_tables_to_ministack()
    _tell_about_functions()
    from localstack.runtime.main import main as serve

    serve()


def _run_functions_in_processes() -> None:
    from localstack.services.lambda_.invocation.plugins import DockerRuntimeExecutorPlugin

    from infra.localstack.executor import ProcessExecutor

    def load(plugin: Any, *arguments: Any) -> type[ProcessExecutor]:
        return ProcessExecutor

    DockerRuntimeExecutorPlugin.load = load


def _leave_tables_to_ministack() -> None:
    """Leave out Amazon's Java program, whose licence forbids to pass it on.

    LocalStack forwards requests to DYNAMODB_LOCAL_PORT, where MiniStack listens.
    """
    from localstack.services.dynamodb.server import DynamodbServer
    from localstack.services.dynamodbstreams.v2.provider import DynamoDBStreamsProvider

    def runs_already(server: Any) -> bool:
        return True

    def same(provider: Any, arn: str) -> str:
        return arn

    DynamodbServer.start_dynamodb = DynamodbServer.stop_dynamodb = runs_already
    # Amazon's program calls every region `ddblocal`.
    DynamoDBStreamsProvider.modify_stream_arn_for_ddb_local = same


def _tell_about_functions() -> None:
    """Serve `GET /_openums/workers`, as the emulator of the other local stacks does."""
    from localstack.services.edge import ROUTER

    from infra.localstack.executor import workers

    def answer(request: Any) -> Any:
        return workers()

    ROUTER.add("/_openums/workers", answer, methods=["GET"])


if __name__ == "__main__":
    main()
