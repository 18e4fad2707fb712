"""What the configuration of each kind of store holds, as the API and the forms have it."""

from typing import Any

from common.configuration import Key
from datastores.models import DataStore

_INSECURE = Key("insecure", "certificate is not checked", boolean=True)
_ENDPOINT = Key("endpoint_url", "endpoint", hint="Empty for the cloud's own.", is_address=True)

KEYS: dict[str, tuple[Key, ...]] = {
    DataStore.Kind.S3: (
        Key("bucket", "bucket", required=True),
        Key("region", "region", hint="Such as eu-west-1."),
        # Never the server's own rights: with them, whoever connects a store would read everybody's files.
        Key("access_key_id", "access key id", secret=True, required=True),
        Key("secret_access_key", "secret access key", secret=True, required=True),
        Key("endpoint_url", "endpoint", hint="For what speaks S3: MinIO, OVH, Oracle and others.", is_address=True),
        Key("role_arn", "role to assume", hint="ARN."),
        Key("multipart_upload_iam_role", "role for uploads in parts", hint="ARN; empty: the same."),
        Key("kms_key_arn", "KMS key", hint="ARN; files are encrypted with it."),
        Key("path_style", "bucket in the path, not in the host name", boolean=True),
        Key("sts_endpoint_url", "endpoint of the token service", is_address=True),
        _INSECURE,
        # The official clients send these; they change nothing here.
        Key("use_presigned_put_object", "presigned PUT", boolean=True),
        Key("skip_upload_file_name_check", "skip the check of file names", boolean=True),
        Key("test_configuration", "test before saving", boolean=True),
    ),
    DataStore.Kind.GOOGLE: (
        Key("bucket", "bucket", required=True),
        Key(
            "service_account_json", "key of the service account", hint="The whole JSON file.",
            secret=True, required=True, multiline=True,
        ),
        _ENDPOINT,
        Key("test_configuration", "test before saving", boolean=True),
    ),
    DataStore.Kind.AZURE: (
        Key("account_name", "account", required=True, is_address=True),
        Key("account_key", "account key", secret=True, one_of="credential", hint="This or a SAS token."),
        Key(
            "sas_token", "SAS token", secret=True, one_of="credential",
            hint="Of the container. Weaker than the key: whoever may read or write one file holds the token itself.",
        ),
        Key("container", "container", required=True),
        _ENDPOINT,
        Key("test_configuration", "test before saving", boolean=True),
    ),
    DataStore.Kind.SWIFT: (
        Key("auth_url", "address of the identity service", required=True, is_address=True),
        Key("auth_version", "version of the identity service", choices=("1", "2", "3")),
        Key("username", "user", required=True),
        Key("password", "password", secret=True, required=True),
        Key("project_id", "project id"),
        Key("project_name", "project name"),
        Key("user_domain_name", "domain of the user"),
        Key("project_domain_name", "domain of the project"),
        Key("region_name", "region"),
        Key("container", "container", required=True),
        Key("temp_url_key", "key for temporary URLs", secret=True, required=True),
        _INSECURE,
        Key("test_configuration", "test before saving", boolean=True),
    ),
}  # fmt: skip

HIDDEN = frozenset(
    {"use_presigned_put_object", "skip_upload_file_name_check", "test_configuration", "sts_endpoint_url"}
)
"""Of the forms: what only programs send."""


def shown_configuration(store: DataStore) -> dict[str, Any]:
    """What may be shown. Secrets have a column of their own; a row that was written by hand may still hold some here."""
    secret = {key.name for keys in KEYS.values() for key in keys if key.secret}
    return {name: value for name, value in store.configuration.items() if name not in secret}
