"""What requests about datasets say, checked, and the rows that they mean."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Owner, User
from common.errors import DomainError
from common.rest.fields import ReferenceField
from datastores.datasets import access, selectors
from datastores.datasets.errors import (
    DatasetNotFound,
    DatasetOwnerRefused,
    FilesRefused,
    VersionNotFound,
    listed,
)
from datastores.datasets.names import is_address, parse_address
from datastores.models import Dataset, DatasetVersion
from projects.selectors import as_uuid

MOST_FILES = 1_000_000
_DATUM = "datum://"
_LARGEST_ID = 2**63 - 1


@extend_schema_field(
    {"type": "array", "items": {"type": "object", "properties": {"datum": {"type": "string"}}}}
)
class FilesField(serializers.Field[list[UUID], Any, list[UUID], Any]):
    """`[{"datum": "<id>"}, …]`, also with `datum://` in front, or plain ids. Not a serializer per file: there may be 100,000."""

    def to_internal_value(self, data: Any) -> list[UUID]:
        if not isinstance(data, list):
            raise serializers.ValidationError('Send the files as a list: [{"datum": "<id>"}].')
        if len(data) > MOST_FILES:
            raise serializers.ValidationError(f"A version has at most {MOST_FILES} files.")
        texts = [item.get("datum") if isinstance(item, dict) else item for item in data]
        ids = [as_uuid(text.removeprefix(_DATUM)) if isinstance(text, str) else None for text in texts]
        wrong = [str(text)[:100] for text, found in zip(texts, ids, strict=True) if found is None]
        if wrong:
            raise serializers.ValidationError(
                f"{listed(wrong)}: not the id of a file. Adopt what is only in a store first; then it has one."
            )
        return [found for found in ids if found is not None]

    def to_representation(self, value: list[UUID]) -> Any:
        return [{"datum": str(datum_id)} for datum_id in value]


class DatasetDescription(serializers.Serializer[Any]):
    tags = serializers.ListField(child=serializers.CharField(max_length=128), required=False)
    metadata = serializers.DictField(required=False, source="properties", help_text="Free properties.")
    notes = serializers.CharField(required=False, allow_blank=True, max_length=20_000)


class DatasetChange(DatasetDescription):
    associated_project_ids = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        allow_null=True,
        help_text="Projects of the owner for which it is there. null: for every one.",
    )


class DatasetCreate(DatasetChange):
    name = serializers.CharField(max_length=1000)
    owner = ReferenceField(help_text="You, or an organization, by id or name. Default: you.")


class DatasetVersionCreate(DatasetDescription):
    dataset = ReferenceField(required=True, allow_null=False, help_text="Its id.")
    name = serializers.CharField(max_length=1000)
    files = FilesField(required=False, default=list)
    previous_version = ReferenceField(
        help_text="The one that it follows, by its id. Its files are not taken over."
    )
    base = ReferenceField(
        help_text="A version whose files are taken over, by id or `dataset://` address. Also `from`."
    )
    exclude = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False),
        required=False,
        help_text="Files that are not taken over: names, `*` and `**`, or a folder with its slash.",
    )
    packaging = serializers.BooleanField(
        required=False,
        default=False,
        source="wants_package",
        help_text="Jobs get its small files in packages, which are made in the background.",
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and "from" in data and "base" not in data:
            data = {**data, "base": data["from"]}
        found: dict[str, Any] = super().to_internal_value(data)
        return found


class DatasetVersionAliasCreate(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=1000)
    version = ReferenceField(
        required=True, allow_null=False, help_text="The id of a version. Also `dataset_version`."
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, dict) and "dataset_version" in data and "version" not in data:
            data = {**data, "version": data["dataset_version"]}
        found: dict[str, Any] = super().to_internal_value(data)
        return found


class DatasetVersionAliasChange(serializers.Serializer[Any]):
    version = ReferenceField(
        required=True, allow_null=False, help_text="The id of a version of the same dataset."
    )


def owner_named(user: User, reference: str | None) -> Owner:
    """Raises `DatasetOwnerRefused`, for what is not there just as for what is not the user's."""
    if not reference or reference.lower() in {str(user.pk), user.username.lower()}:
        return user.owner
    by_id = (
        int(reference) if reference.isascii() and reference.isdigit() and int(reference) <= _LARGEST_ID else 0
    )
    owner = Owner.objects.filter(pk=by_id).first() if by_id else None
    owner = owner or Owner.objects.filter(name__iexact=reference.replace("\0", "")).first()
    if owner is None:
        raise DatasetOwnerRefused(reference)
    try:
        access.require_creation(user, owner)
    except DatasetOwnerRefused:
        raise DatasetOwnerRefused(reference) from None
    return owner


def dataset_named(user: User, reference: str) -> Dataset:
    """For a field of a body: what is not there is the field's fault."""
    try:
        return selectors.get_dataset(user, reference)
    except DatasetNotFound as error:
        raise _of_field(error, "dataset") from None


def version_named(user: User, reference: str, field: str, *, near: Dataset | None = None) -> DatasetVersion:
    """By id, or by an address among the datasets of the owner of `near`."""
    try:
        if near is not None and is_address(reference):
            return _by_address(user, reference, near)
        return selectors.get_version(user, reference)
    except DomainError as error:
        raise _of_field(error, field) from None


def _by_address(user: User, reference: str, near: Dataset) -> DatasetVersion:
    address = parse_address(reference)
    dataset = access.datasets_for(user).filter(owner_id=near.owner_id, name__iexact=address.dataset).first()
    version = selectors.find_version(dataset, address.version) if dataset else None
    if version is None:
        raise VersionNotFound(reference)
    return version


def _of_field(error: DomainError, field: str) -> FilesRefused:
    return FilesRefused(error.message, field=field, code="does_not_exist")
