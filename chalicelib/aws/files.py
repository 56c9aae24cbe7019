"""The bucket of files, and files of others: through the egress policy, as everything that leaves."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.aws.clients import client, error_code
from chalicelib.config import settings
from chalicelib.domain.errors import Rejected, Unavailable


class Files:
    def put(self, key: str, body: bytes) -> None:
        client("s3").put_object(Bucket=settings().files_bucket, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        from botocore.exceptions import ClientError

        try:
            body: bytes = client("s3").get_object(Bucket=settings().files_bucket, Key=key)["Body"].read()
        except ClientError as error:
            # Without the right to list the bucket, what is not there is denied.
            if error_code(error) in ("NoSuchKey", "AccessDenied"):
                raise LookupError("no such file") from error
            raise
        return body

    def form(self, key: str, most: int, seconds: int) -> tuple[str, Mapping[str, str]]:
        conditions = [["content-length-range", 1, most]]
        made = client("s3").generate_presigned_post(settings().files_bucket, key, Conditions=conditions, ExpiresIn=seconds)
        return str(made["url"]), {str(name): str(value) for name, value in made["fields"].items()}

    def fetch(self, url: str, most: int) -> bytes:
        from chalicelib.web.egress import Policy
        from chalicelib.web.http import Http

        answer = Http(Policy(settings().egress_allow), settings().provider_timeout).request(
            "GET", url, headers={"accept": "*/*"}, most=most
        )
        if answer.status == 200:
            return answer.body
        if answer.status in (408, 425, 429) or answer.status >= 500:
            raise Unavailable(f"http_{answer.status}")
        raise Rejected(f"file_http_{answer.status}")
