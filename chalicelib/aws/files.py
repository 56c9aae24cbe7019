"""The bucket of files, and files on other servers.

People upload and fetch files through signed addresses. Functions read and write them. Files on
other servers are fetched through the egress policy, as everything that leaves.
"""

from __future__ import annotations

from chalicelib.aws.clients import client, error_code
from chalicelib.config import settings
from chalicelib.domain.errors import Rejected, TooLarge, Unavailable, Uncertain
from chalicelib.domain.links import uri
from chalicelib.ports import Form

# Without the right to list the bucket, S3 answers AccessDenied for a missing key.
_GONE = frozenset(
    {"404", "NoSuchKey", "NotFound", "AccessDenied", "403", "PreconditionFailed", "412"}
)


class Files:
    def form(self, key: str, least: int, most: int, seconds: int) -> Form:
        size = ["content-length-range", least, most]
        post = client("s3").generate_presigned_post(
            Bucket=settings().files_bucket, Key=key, Conditions=[size], ExpiresIn=seconds
        )
        fields = {str(name): str(value) for name, value in post["fields"].items()}
        return Form(str(post["url"]), fields)

    def etag(self, key: str) -> str | None:
        from botocore.exceptions import ClientError

        try:
            return str(client("s3").head_object(Bucket=settings().files_bucket, Key=key)["ETag"])
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise
            return None

    def read(self, key: str, etag: str = "") -> bytes | None:
        from botocore.exceptions import ClientError

        unchanged = {"IfMatch": etag} if etag else {}
        try:
            answer = client("s3").get_object(Bucket=settings().files_bucket, Key=key, **unchanged)
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise
            return None
        return bytes(answer["Body"].read())

    def write(self, key: str, content: bytes, kind: str) -> None:
        client("s3").put_object(
            Bucket=settings().files_bucket, Key=key, Body=content, ContentType=kind
        )

    def address(self, key: str, name: str, seconds: int) -> str:
        shown = f'attachment; filename="{name}"'
        wanted = {
            "Bucket": settings().files_bucket,
            "Key": key,
            "ResponseContentDisposition": shown,
        }
        return str(
            client("s3").generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
        )

    def delete(self, key: str) -> None:
        client("s3").delete_object(Bucket=settings().files_bucket, Key=key)

    def fetch(self, url: str, most: int, seconds: float) -> bytes:
        from chalicelib.web.egress import Policy
        from chalicelib.web.http import Http

        http = Http(Policy(settings().egress_allow), min(seconds, settings().provider_timeout))
        try:
            answer = http.request("GET", uri(url), headers={"accept": "*/*"}, most=most)
        except TooLarge as error:
            raise Rejected("too_large") from error
        except Uncertain as error:  # nothing was asked to change, so it may be asked again
            raise Unavailable(error.code) from error
        if answer.status == 200:
            return answer.body
        is_passing = answer.status in (408, 425, 429) or answer.status >= 500
        raise (Unavailable if is_passing else Rejected)(f"http_{answer.status}")
