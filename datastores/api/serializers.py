"""Shapes of datums, aliases and stores, as the official clients read them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from common.rest.links import absolute
from common.rest.serializers import ShapedSerializer
from datastores.models import DataStore, Datum, DatumAlias
from datastores.selectors import download_grant


def base_url(request: Request) -> str:
    """Scheme and host by which the caller reached us."""
    return request.build_absolute_uri("/").rstrip("/")


class DatumSerializer(ShapedSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    size = serializers.IntegerField(source="size_bytes")
    ctime = serializers.DateTimeField(source="created_at")
    file_ctime = serializers.DateTimeField(source="file_modified_at")
    file_mtime = serializers.DateTimeField(source="file_modified_at")
    uri = serializers.SerializerMethodField()
    store = serializers.UUIDField(source="store_id")
    project = serializers.SerializerMethodField()
    output_execution = serializers.SerializerMethodField()
    purged = serializers.SerializerMethodField()
    deleted = serializers.SerializerMethodField()
    md5 = serializers.CharField()
    sha1 = serializers.CharField()
    sha256 = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    metadata = serializers.DictField(source="properties")
    url = serializers.SerializerMethodField()
    download_url = serializers.SerializerMethodField()

    class Meta:
        on_request = ("download_url",)

    def get_uri(self, datum: Datum) -> str | None:
        """The address in the store; the installation's own store has none that a client could use."""
        return None

    @extend_schema_field(serializers.DictField())
    def get_project(self, datum: Datum) -> dict[str, Any]:
        owner = {"id": datum.project.owner_id, "username": datum.project.owner.name}
        return {"id": str(datum.project_id), "name": datum.project.name, "owner": owner}

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_output_execution(self, datum: Datum) -> dict[str, Any] | None:
        if datum.output_execution_id is None:
            return None
        return {"id": str(datum.output_execution_id), "counter": datum.output_execution_counter}

    def get_purged(self, datum: Datum) -> bool:
        return datum.purged_at is not None

    def get_deleted(self, datum: Datum) -> bool:
        return False

    def get_url(self, datum: Datum) -> str:
        return absolute(self.context["request"], "datum-detail", datum_id=datum.pk)

    def get_download_url(self, datum: Datum) -> str | None:
        return None if datum.purged_at else download_grant(datum, base_url(self.context["request"])).url


class DatumAliasSerializer(ShapedSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    ctime = serializers.DateTimeField(source="created_at")
    mtime = serializers.DateTimeField(source="updated_at")
    project = serializers.SerializerMethodField()
    datum = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DictField())
    def get_project(self, alias: DatumAlias) -> dict[str, Any]:
        owner = {"id": alias.project.owner_id, "username": alias.project.owner.name}
        return {"id": str(alias.project_id), "name": alias.project.name, "owner": owner}

    @extend_schema_field(DatumSerializer(allow_null=True))
    def get_datum(self, alias: DatumAlias) -> dict[str, Any] | None:
        if alias.datum is None:
            return None
        alias.datum.project = alias.project
        shown: dict[str, Any] = DatumSerializer(alias.datum, context=self.context).data
        return shown


class DataStoreSerializer(ShapedSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField(source="kind")
    access_mode = serializers.CharField()
    allow_read = serializers.BooleanField()
    allow_write = serializers.BooleanField()
    allow_uri_download = serializers.SerializerMethodField()
    allow_adopt = serializers.SerializerMethodField()
    configuration = serializers.DictField()
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    project = serializers.UUIDField(source="project_id", allow_null=True)
    teams = serializers.SerializerMethodField()
    paths = serializers.SerializerMethodField()
    deleted = serializers.SerializerMethodField()
    ctime = serializers.DateTimeField(source="created_at")
    mtime = serializers.DateTimeField(source="updated_at")
    url = serializers.SerializerMethodField()

    def get_allow_uri_download(self, store: DataStore) -> bool:
        return False

    def get_allow_adopt(self, store: DataStore) -> bool:
        return False

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_teams(self, store: DataStore) -> list[str]:
        return []

    @extend_schema_field(serializers.DictField())
    def get_paths(self, store: DataStore) -> dict[str, str]:
        return {}

    def get_deleted(self, store: DataStore) -> bool:
        return False

    def get_url(self, store: DataStore) -> str:
        return absolute(self.context["request"], "store-detail", store_id=store.pk)


class UploadRequestSerializer(serializers.Serializer[Any]):
    project = serializers.UUIDField()
    name = serializers.CharField(max_length=4096)
    size = serializers.IntegerField(min_value=0)


class UploadGrantSerializer(serializers.Serializer[Any]):
    datum_id = serializers.UUIDField()
    method = serializers.CharField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())


class AliasRequestSerializer(serializers.Serializer[Any]):
    project = serializers.UUIDField()
    name = serializers.CharField(max_length=128)
    datum = serializers.UUIDField()


class ApplyPropertiesSerializer(serializers.Serializer[Any]):
    datum_metadata = serializers.DictField(child=serializers.DictField())


class DownloadSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()


class OkSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()


class PreviewSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["text", "json", "csv", "image", "none"])
    text = serializers.CharField(required=False)
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField()), required=False)
    url = serializers.CharField(required=False)
    truncated = serializers.BooleanField(required=False)
    reason = serializers.CharField(required=False)
