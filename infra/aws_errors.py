"""Explain in one line what AWS or its client refuses, and what to do then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

SIGN_IN = (
    "The AWS credentials have expired: sign in again (`aws sso login`), then repeat the command."
)
RIGHTS = "Add it to your policy: docs/how-to/deploy.md has the rights of a deployer."
WRONG_KEYS = "AWS does not know these credentials: check AWS_PROFILE and AWS_ACCESS_KEY_ID."
BUSY = "AWS takes no more calls for the moment: wait a minute, then repeat the command."
QUOTA = "The account's quota is used up: ask AWS for more in Service Quotas."
FOREIGN = "The bucket for packages is of another account, or the right s3:ListBucket is missing."
NETWORK = "AWS is not reached: check the network, AWS_REGION and AWS_ENDPOINT_URL."
NO_CREDENTIALS = "There are no AWS credentials: set AWS_PROFILE, or sign in (`aws sso login`)."

CODES: Mapping[str, str] = {
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), SIGN_IN),
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"), RIGHTS),
    **dict.fromkeys(
        (
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "InvalidAccessKeyId",
            "AuthFailure",
        ),
        WRONG_KEYS,
    ),
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown"), BUSY
    ),
    **dict.fromkeys(
        ("LimitExceeded", "LimitExceededException", "ServiceQuotaExceededException"), QUOTA
    ),
    "NoSuchBucket": "Repeat the command: it makes the bucket for packages anew.",
}
KINDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((exceptions.NoCredentialsError, exceptions.PartialCredentialsError), NO_CREDENTIALS),
    ((exceptions.SSOError, exceptions.TokenRetrievalError), SIGN_IN),
    ((exceptions.ProfileNotFound,), "Check AWS_PROFILE and ~/.aws/config."),
    ((exceptions.NoRegionError,), "Set AWS_REGION."),
    ((exceptions.ConnectionError, exceptions.HTTPClientError), NETWORK),
)


def explain(error: BotoCoreError | ClientError) -> str:
    """Return one line: the refused call with AWS's reason, then the advice."""
    return " ".join(" ".join(_parts(error)).split())


def is_denied(error: ClientError) -> bool:
    return CODES.get(code_of(error)) == RIGHTS


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "?"))


def _parts(error: BotoCoreError | ClientError) -> Iterator[str]:
    if isinstance(error, ClientError):
        code = code_of(error)
        text = str(error.response.get("Error", {}).get("Message", "")).rstrip(". ")
        yield f"{error.operation_name}: {code}: {text}."
        yield (
            FOREIGN
            if (error.operation_name, code) == ("HeadBucket", "403")
            else CODES.get(code, "")
        )
        return
    yield f"{str(error).rstrip('. ')}."
    if isinstance(error, WaiterError):
        yield "The stack's events in the CloudFormation console say why."
    yield next((advice for kinds, advice in KINDS if isinstance(error, kinds)), "")
