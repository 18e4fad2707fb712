"""Shapes of datums, aliases and stores, as the official clients read them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from common.rest.links import base_url
from common.rest.serializers import ShapedSerializer
from common.rest.times import timestamp
from datastores.models import Datum, DatumAlias, DatumAliasMove
from datastores.selectors import download_grant
from projects.models import Project


def validated(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The body of the request in the shape; what does not fit is answered with a 400."""
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


class DatumProjectSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    owner = serializers.DictField()
    url = serializers.URLField()


class OutputExecutionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    counter = serializers.IntegerField()


class AliasBriefSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class DatumSerializer(ShapedSerializer):
    """The fields describe the answer; `represent` makes it, because lists have thousands of rows."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    ctime = serializers.DateTimeField()
    mtime = serializers.DateTimeField()
    file_ctime = serializers.DateTimeField(allow_null=True)
    file_mtime = serializers.DateTimeField(allow_null=True)
    uri = serializers.CharField(allow_null=True)
    store = serializers.UUIDField()
    project = DatumProjectSerializer()
    output_execution = OutputExecutionSerializer(allow_null=True)
    purged = serializers.BooleanField()
    deleted = serializers.BooleanField()
    md5 = serializers.CharField(allow_null=True)
    sha1 = serializers.CharField(allow_null=True)
    sha256 = serializers.CharField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    aliases = AliasBriefSerializer(many=True)
    metadata = serializers.DictField(help_text="The free properties of the file.")
    metadata_errors = serializers.ListField(
        child=serializers.CharField(), help_text="What was wrong with the metadata that its run wrote."
    )
    url = serializers.URLField()
    download_url = serializers.URLField(allow_null=True, required=False)

    class Meta:
        on_request = ("download_url",)

    def to_representation(self, instance: Datum) -> dict[str, Any]:
        links = links_of(self)
        return {str(name): DATUM_FIELDS[str(name)](instance, links) for name in iter(self.fields)}


class Links:
    """Patterns are resolved once per answer: a list only puts ids into them."""

    def __init__(self, request: Request) -> None:
        self.base_url = base_url(request)
        self._datum = self.base_url + reverse("datum-detail", args=[_PLACE])
        self._project = self.base_url + reverse("project-detail", args=[_PLACE])

    def datum(self, pk: UUID) -> str:
        return self._datum.replace(_PLACE, str(pk))

    def project(self, pk: UUID) -> str:
        return self._project.replace(_PLACE, str(pk))


def links_of(serializer: serializers.Serializer[Any]) -> Links:
    """One for the whole answer, however many rows it has."""
    root = serializer.root
    links: Links | None = getattr(root, "_links", None)
    if links is None:
        links = root._links = Links(serializer.context["request"])  # type: ignore[attr-defined]
    return links


_PLACE = "00000000-0000-0000-0000-000000000000"


def project_brief(project: Project, links: Links) -> dict[str, Any]:
    return {
        "id": str(project.pk),
        "name": project.name,
        "owner": {"id": project.owner_id, "username": project.owner.name},
        "url": links.project(project.pk),
    }


def output_execution_of(datum: Datum) -> dict[str, Any] | None:
    if datum.output_execution_id is None:
        return None
    return {"id": str(datum.output_execution_id), "counter": datum.output_execution_counter}


DATUM_FIELDS: dict[str, Callable[[Datum, Links], Any]] = {
    "id": lambda datum, links: str(datum.pk),
    "name": lambda datum, links: datum.name,
    "size": lambda datum, links: datum.size_bytes,
    "ctime": lambda datum, links: timestamp(datum.created_at),
    "mtime": lambda datum, links: timestamp(datum.updated_at),
    # When a file was made is not known on Linux; when it was last written is.
    "file_ctime": lambda datum, links: timestamp(datum.file_modified_at),
    "file_mtime": lambda datum, links: timestamp(datum.file_modified_at),
    # The installation's own store has no address that a client could use.
    "uri": lambda datum, links: None,
    "store": lambda datum, links: str(datum.store_id),
    "project": lambda datum, links: project_brief(datum.project, links),
    "output_execution": lambda datum, links: output_execution_of(datum),
    "purged": lambda datum, links: datum.purged_at is not None,
    "deleted": lambda datum, links: False,
    "md5": lambda datum, links: datum.md5,
    "sha1": lambda datum, links: datum.sha1,
    "sha256": lambda datum, links: datum.sha256,
    "tags": lambda datum, links: datum.tags,
    "aliases": lambda datum, links: [{"id": str(a.pk), "name": a.name} for a in datum.aliases.all()],
    "metadata": lambda datum, links: datum.properties,
    "metadata_errors": lambda datum, links: datum.metadata_errors,
    "url": lambda datum, links: links.datum(datum.pk),
    "download_url": lambda datum, links: (
        None if datum.purged_at else download_grant(datum, links.base_url).url
    ),
}


class DatumAliasSerializer(ShapedSerializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    ctime = serializers.DateTimeField(source="created_at")
    mtime = serializers.DateTimeField(source="updated_at")
    project = serializers.SerializerMethodField()
    datum = serializers.SerializerMethodField()

    @extend_schema_field(DatumProjectSerializer)
    def get_project(self, alias: DatumAlias) -> dict[str, Any]:
        return project_brief(alias.project, links_of(self))

    @extend_schema_field(DatumSerializer(allow_null=True))
    def get_datum(self, alias: DatumAlias) -> dict[str, Any] | None:
        if alias.datum is None:
            return None
        alias.datum.project = alias.project
        links = links_of(self)
        shown = (name for name in DATUM_FIELDS if name != "download_url")
        return {name: DATUM_FIELDS[name](alias.datum, links) for name in shown}


class UploadRequestSerializer(serializers.Serializer[Any]):
    project = serializers.UUIDField()
    name = serializers.CharField(max_length=4096)
    size = serializers.IntegerField(min_value=0)


class UploadedPartSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(min_value=1)
    etag = serializers.CharField(allow_blank=True, default="", help_text="As the store answered to the part.")


class UploadCompleteSerializer(serializers.Serializer[Any]):
    sha256 = serializers.RegexField(
        r"\A[0-9A-Fa-f]{64}\Z", required=False, allow_blank=True, default="", help_text="Checked when given."
    )
    parts = UploadedPartSerializer(many=True, default=list, help_text="Of an upload in parts: all of them.")


class PartGrantSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    offset = serializers.IntegerField()
    size = serializers.IntegerField()
    method = serializers.CharField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())


class UploadGrantSerializer(serializers.Serializer[Any]):
    """How to upload the file: by one request, or, when there are `parts`, by one for each of them."""

    datum_id = serializers.UUIDField()
    name = serializers.CharField()
    method = serializers.CharField(required=False)
    url = serializers.CharField(required=False)
    headers = serializers.DictField(child=serializers.CharField(), required=False)
    parts = PartGrantSerializer(many=True, required=False)


class AliasRequestSerializer(serializers.Serializer[Any]):
    project = serializers.UUIDField()
    name = serializers.CharField(max_length=128)
    datum = serializers.UUIDField()


class AliasChangeSerializer(serializers.Serializer[Any]):
    datum = serializers.UUIDField(help_text="The file that the alias means from now on.")


class FileThenSerializer(serializers.Serializer[Any]):
    """A file by the name that it had; its record may be gone."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class MoverSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True, help_text="Null when the account is gone.")
    username = serializers.CharField()


class AliasMoveSerializer(serializers.BaseSerializer[DatumAliasMove]):
    """One change: who, when, from which file, to which. `MOVE_SHAPE` describes it."""

    def to_representation(self, instance: DatumAliasMove) -> dict[str, Any]:
        by_run = instance.execution_id is not None
        return {
            "id": instance.pk,
            "name": instance.name,
            "time": timestamp(instance.moved_at),
            "user": None
            if not instance.actor_name
            else {"id": instance.actor_id, "username": instance.actor_name},
            "execution": {"id": str(instance.execution_id), "counter": instance.execution_counter}
            if by_run
            else None,
            "from": _file_then(instance.from_datum_id, instance.from_name),
            "to": _file_then(instance.to_datum_id, instance.to_name),
        }


def _file_then(datum_id: UUID | None, name: str) -> dict[str, Any] | None:
    return None if datum_id is None else {"id": str(datum_id), "name": name}


MOVE_SHAPE = inline_serializer(
    "AliasMove",
    {
        "id": serializers.IntegerField(),
        "name": serializers.CharField(),
        "time": serializers.DateTimeField(),
        "user": MoverSerializer(allow_null=True, help_text="Null when an output of an execution said so."),
        "execution": OutputExecutionSerializer(allow_null=True),
        "from": FileThenSerializer(allow_null=True, help_text="Null: it meant nothing before."),
        "to": FileThenSerializer(allow_null=True, help_text="Null: the alias was deleted."),
    },
    many=True,
)


class ApplyPropertiesSerializer(serializers.Serializer[Any]):
    datum_metadata = serializers.DictField(child=serializers.DictField())


class DownloadSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()


class OkSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()


class PreviewSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(
        choices=["text", "json", "csv", "markdown", "notebook", "image", "audio", "video", "none"]
    )
    text = serializers.CharField(required=False)
    html = serializers.CharField(
        required=False, help_text="Of Markdown: markup without scripts and pictures."
    )
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField()), required=False)
    cells = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="Of a notebook: kind, source, outputs, and of Markdown html.",
    )
    url = serializers.CharField(required=False)
    truncated = serializers.BooleanField(required=False)
    reason = serializers.CharField(required=False)
