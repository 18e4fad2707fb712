"""Amazon S3, and what speaks its protocol."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from common.objectstores.addresses import key_of, uri_of
from common.objectstores.headers import disposition
from common.objectstores.s3_signing import read_signer
from common.objectstores.types import (
    MEBIBYTE,
    Download,
    Grant,
    ObjectFacts,
    ObjectMissing,
    Part,
    Problem,
    StoreProblem,
    UploadLimits,
)
from common.outgoing import refusal_behind

SCHEME = "s3"
_BLOCK_BYTES = MEBIBYTE
_MISSING = {"404", "NoSuchKey", "NoSuchUpload", "InvalidPart", "NotFound"}
_REASONS: dict[str, tuple[Problem, str]] = {
    "AccessDenied": (
        Problem.PERMISSION,
        "The credentials may not {action} in bucket '{bucket}'. Allow s3:GetObject, s3:PutObject, s3:DeleteObject, "
        "s3:AbortMultipartUpload and s3:ListBucket for it.",
    ),
    "403": (Problem.PERMISSION, "The store refuses to {action} in bucket '{bucket}'. Check the credentials and the bucket's policy."),
    "InvalidAccessKeyId": (Problem.CREDENTIALS, "The store does not know the access key. Enter one that is active."),
    "SignatureDoesNotMatch": (Problem.CREDENTIALS, "The secret key does not fit the access key. Enter both again."),
    "ExpiredToken": (Problem.CREDENTIALS, "The credentials have expired. Enter new ones."),
    "InvalidToken": (Problem.CREDENTIALS, "The store does not accept the credentials. Enter new ones."),
    "NoSuchBucket": (Problem.CONTAINER, "There is no bucket '{bucket}'. Create it, or correct its name."),
    "PermanentRedirect": (Problem.REGION, "Bucket '{bucket}' is in another region. Correct the region of the store."),
    "301": (Problem.REGION, "Bucket '{bucket}' is in another region. Correct the region of the store."),
    "AuthorizationHeaderMalformed": (Problem.REGION, "Bucket '{bucket}' is in another region. Correct the region of the store."),
    "IllegalLocationConstraintException": (Problem.REGION, "Bucket '{bucket}' is in another region. Correct the region of the store."),
    "RequestTimeTooSkewed": (Problem.CLOCK, "The clock of the server differs from the store's by more than 15 minutes. Set it right."),
    "KMS.NotFoundException": (Problem.CONFIGURATION, "The store does not know the KMS key. Correct its ARN."),
    "KMS.DisabledException": (Problem.CONFIGURATION, "The KMS key is disabled. Enable it."),
}  # fmt: skip


class S3Store:
    """`client` is a boto3 client of the service `s3`, which also signs the grants."""

    limits = UploadLimits(single_put_bytes=5 * 1024 * MEBIBYTE)

    def __init__(self, client: Any, bucket: str, *, kms_key_arn: str = "", upload_client: Any = None) -> None:
        self._client = client
        self._bucket = bucket
        self._upload_client = upload_client or client
        """With the rights of the role for uploads in parts, where the store names one."""
        self._encryption = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_arn} if kms_key_arn else {}
        )

    def uri(self, key: str) -> str:
        return uri_of(SCHEME, self._bucket, key)

    def key_in(self, uri: str) -> str | None:
        return key_of(uri, SCHEME, self._bucket)

    def grant_get(self, download: Download, *, base_url: str) -> Grant:
        shown = disposition(download.filename, inline=download.inline)
        with self._explained("sign an address", download.key):
            signer = read_signer(self._client, self._bucket)
            if signer is not None:
                presented = {
                    "response-content-disposition": shown,
                    "response-content-type": download.content_type,
                }
                return Grant("GET", signer.address(download.key, presented, download.lifetime_seconds))
        parameters = {"ResponseContentDisposition": shown, "ResponseContentType": download.content_type}
        return Grant(
            "GET", self._sign(self._client, "get_object", download.key, download.lifetime_seconds, parameters)
        )

    def grant_put(self, key: str, *, size_bytes: int | None, lifetime_seconds: int, base_url: str) -> Grant:
        # A signed length is enforced by the store: nothing longer or shorter is accepted.
        length = {"ContentLength": size_bytes} if size_bytes is not None else {}
        url = self._sign(self._client, "put_object", key, lifetime_seconds, {**self._encryption, **length})
        return Grant("PUT", url, self._encryption_headers())

    def start_upload(self, key: str) -> str:
        with self._explained("start an upload", key):
            started = self._upload_client.create_multipart_upload(
                Bucket=self._bucket, Key=key, **self._encryption
            )
        upload_id: str = started["UploadId"]
        return upload_id

    def grant_part(
        self,
        key: str,
        *,
        upload_id: str,
        number: int,
        offset: int,
        size_bytes: int,
        lifetime_seconds: int,
        base_url: str,
    ) -> Grant:
        which = {"UploadId": upload_id, "PartNumber": number, "ContentLength": size_bytes}
        return Grant("PUT", self._sign(self._upload_client, "upload_part", key, lifetime_seconds, which))

    def write_part(self, key: str, *, upload_id: str, number: int, offset: int, content: bytes) -> Part:
        with self._explained("write", key):
            written = self._upload_client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=content
            )
        return Part(number, len(content), _etag(written))

    def finish_upload(self, key: str, *, upload_id: str, parts: Sequence[Part]) -> None:
        with self._explained("finish an upload", key):
            etags = {part.number: part.etag for part in parts}
            if not all(etags.values()):
                # A browser reads the header of another origin only where the bucket's CORS rules expose it.
                etags |= self._stored_etags(key, upload_id)
            listed = [{"PartNumber": number, "ETag": etag} for number, etag in sorted(etags.items())]
            self._upload_client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    def _stored_etags(self, key: str, upload_id: str) -> dict[int, str]:
        pages = self._upload_client.get_paginator("list_parts").paginate(
            Bucket=self._bucket, Key=key, UploadId=upload_id
        )
        return {part["PartNumber"]: part["ETag"] for page in pages for part in page.get("Parts", ())}

    def abandon_upload(self, key: str, *, upload_id: str, part_count: int) -> None:
        try:
            with self._explained("abandon an upload", key):
                self._upload_client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except ObjectMissing:
            return

    def facts(self, key: str) -> ObjectFacts | None:
        try:
            with self._explained("read", key):
                found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ObjectMissing:
            return None
        etag = _etag(found)
        encrypted = found.get("ServerSideEncryption", "AES256") != "AES256"
        # The ETag of an object that was uploaded in one piece is its MD5; that of several has a dash.
        md5 = etag if len(etag) == 32 and "-" not in etag and not encrypted else None
        return ObjectFacts(key, found["ContentLength"], found["LastModified"], etag, md5)

    def walk(self, prefix: str, *, after: str = "") -> Iterator[ObjectFacts]:
        start = {"StartAfter": after} if after else {}
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, **start
        )
        with self._explained("list", prefix):
            for page in pages:
                for found in page.get("Contents", ()):
                    # A list does not say what is encrypted with a key of KMS, whose ETag is no MD5.
                    yield ObjectFacts(found["Key"], found["Size"], found["LastModified"], _etag(found), None)

    def read(self, key: str, *, first: int = 0, most_bytes: int | None = None) -> Iterator[bytes]:
        last = "" if most_bytes is None else first + most_bytes - 1
        span = {"Range": f"bytes={first}-{last}"} if first or most_bytes is not None else {}
        with self._explained("read", key):
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=key, **span)["Body"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "InvalidRange":
                    raise
                return  # the object ends before `first`
            yield from body.iter_chunks(_BLOCK_BYTES)

    def write(self, key: str, content: bytes) -> None:
        with self._explained("write", key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, **self._encryption)

    def delete(self, key: str) -> None:
        try:
            with self._explained("delete", key):
                self._client.delete_object(Bucket=self._bucket, Key=key)
        except ObjectMissing:
            return

    def copy(self, source_key: str, target_key: str) -> None:
        source = {"Bucket": self._bucket, "Key": source_key}
        with self._explained("copy", source_key):
            self._client.copy(source, self._bucket, target_key, ExtraArgs=self._encryption or None)

    def _sign(
        self, client: Any, operation: str, key: str, lifetime_seconds: int, extra: dict[str, Any]
    ) -> str:
        params = {"Bucket": self._bucket, "Key": key, **extra}
        with self._explained("sign an address", key):
            url: str = client.generate_presigned_url(operation, Params=params, ExpiresIn=lifetime_seconds)
        return url

    def _encryption_headers(self) -> dict[str, str]:
        """Signed into the address, so that whoever uploads has to send them."""
        if not self._encryption:
            return {}
        return {
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": self._encryption["SSEKMSKeyId"],
        }

    @contextmanager
    def _explained(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._problem(error, action, key) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise StoreProblem(
                Problem.CREDENTIALS, "The store has no credentials. Enter its access key."
            ) from error
        except (ConnectionError, HTTPClientError) as error:
            if refused := refusal_behind(error):
                raise refused from error
            raise StoreProblem(
                Problem.UNREACHABLE,
                f"The store cannot be reached: {error}. Check the endpoint and the network between them.",
            ) from error
        except BotoCoreError as error:
            raise StoreProblem(Problem.CONFIGURATION, f"The store cannot be used: {error}.") from error

    def _problem(self, error: ClientError, action: str, key: str) -> StoreProblem | ObjectMissing:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            return ObjectMissing(self.uri(key))
        if code in _REASONS:
            problem, text = _REASONS[code]
            return StoreProblem(problem, text.format(action=action, bucket=self._bucket))
        return StoreProblem(Problem.FAILED, f"The store could not {action} {self.uri(key)}: {error}.")


def _etag(found: dict[str, Any]) -> str:
    return str(found.get("ETag", "")).strip('"')
