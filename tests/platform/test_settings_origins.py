"""Browsers may reach the storage they are sent to, and nothing else."""

import pytest

from valohai_app.settings import storage_origins


@pytest.mark.parametrize(
    ("kind", "environment", "origins"),
    [
        ("filesystem", {}, []),
        ("gcs", {}, ["https://storage.googleapis.com"]),
        ("azure", {"AZURE_ACCOUNT_NAME": "acme"}, ["https://acme.blob.core.windows.net"]),
        ("s3", {"AWS_S3_ENDPOINT_URL": "http://minio.internal:9000/path"}, ["http://minio.internal:9000"]),
        (
            "s3",
            {"AWS_S3_BUCKET_NAME": "b", "AWS_REGION": "eu-north-1"},
            ["https://b.s3.amazonaws.com", "https://b.s3.eu-north-1.amazonaws.com"],
        ),
    ],
)
def test_origins_of_each_storage(
    kind: str, environment: dict[str, str], origins: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_S3_ENDPOINT_URL", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert storage_origins(kind) == origins
