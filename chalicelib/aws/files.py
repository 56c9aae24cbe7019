"""Files in the bucket: uploaded and fetched by people through presigned addresses, read and written by functions."""

from __future__ import annotations

from chalicelib.aws.clients import client, error_code
from chalicelib.config import settings
from chalicelib.flow.ports import Form

_GONE = frozenset({"404", "NoSuchKey", "NotFound", "PreconditionFailed", "412"})


class Files:
    def form(self, key: str, least: int, most: int, seconds: int) -> Form:
        size = ["content-length-range", least, most]
        made = client("s3").generate_presigned_post(Bucket=settings().files_bucket, Key=key, Conditions=[size], ExpiresIn=seconds)
        return Form(made["url"], made["fields"])

    def mark(self, key: str) -> str | None:
        from botocore.exceptions import ClientError

        try:
            return str(client("s3").head_object(Bucket=settings().files_bucket, Key=key)["ETag"])
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise
            return None

    def read(self, key: str, mark: str) -> bytes | None:
        from botocore.exceptions import ClientError

        try:
            answer = client("s3").get_object(Bucket=settings().files_bucket, Key=key, IfMatch=mark)
        except ClientError as error:
            if error_code(error) not in _GONE:
                raise
            return None
        return bytes(answer["Body"].read())

    def write(self, key: str, content: bytes, kind: str) -> None:
        client("s3").put_object(Bucket=settings().files_bucket, Key=key, Body=content, ContentType=kind)

    def address(self, key: str, name: str, seconds: int) -> str:
        shown = f'attachment; filename="{name}"'
        wanted = {"Bucket": settings().files_bucket, "Key": key, "ResponseContentDisposition": shown}
        return str(client("s3").generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))

    def delete(self, key: str) -> None:
        client("s3").delete_object(Bucket=settings().files_bucket, Key=key)
