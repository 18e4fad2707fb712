"""Data, aliases and stores. Shapes and addresses as the official clients use them."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.rest.links import base_url
from common.rest.pagination import LongListPagination
from datastores import previews, selectors, services, uploads
from datastores.api import serializers
from datastores.api.filters import DATUM_PARAMETERS, listed_datums
from datastores.api.serializers import validated
from datastores.errors import PropertiesRefused
from datastores.models import Datum
from datastores.opening import answering
from datastores.reservations import reservation_body
from organizations.access import Capability, require
from projects.selectors import get_project


class DatumListView(ListAPIView[Any]):
    serializer_class = serializers.DatumSerializer
    filter_backends = ()
    pagination_class = LongListPagination
    queryset = Datum.objects.none()

    @extend_schema(operation_id="data-list", parameters=DATUM_PARAMETERS)
    def get(self, request: Request) -> Response:
        return self.list(request)

    def get_queryset(self) -> Any:
        datums = selectors.with_shared_related(Datum.objects.all())
        return listed_datums(self.request.user, self.request, datums)


class DatumDetailView(APIView):
    @extend_schema(operation_id="data-retrieve", responses=serializers.DatumSerializer)
    def get(self, request: Request, datum_id: UUID) -> Response:
        return _shown(selectors.get_datum(user_of(request), datum_id), request)


class DatumDownloadView(APIView):
    """A signed address of the bytes, good for a plain GET without credentials."""

    @extend_schema(responses=serializers.DownloadSerializer)
    def get(self, request: Request, datum_id: UUID) -> Response:
        datum = selectors.get_datum(user_of(request), datum_id)
        with answering(datum.store):
            grant = selectors.download_grant(datum, base_url(request))
        return Response({"url": grant.url})


class DatumPreviewView(APIView):
    @extend_schema(operation_id="data-preview", responses=serializers.PreviewSerializer)
    def get(self, request: Request, datum_id: UUID) -> Response:
        datum = selectors.get_datum(user_of(request), datum_id)
        shown = previews.preview(datum)
        body: dict[str, Any] = {"kind": shown.kind, "truncated": shown.truncated}
        if shown.kind == "csv":
            body["rows"] = shown.rows
        elif shown.kind == "notebook":
            body["cells"] = shown.cells
        elif shown.content_type:
            body["url"] = selectors.download_grant(
                datum, base_url(request), inline_type=shown.content_type
            ).url
        elif shown.kind == "none":
            body["reason"] = shown.reason
        else:
            body["text"] = shown.text
            if shown.kind == "markdown":
                body["html"] = shown.html
        return Response(body)


class DatumPurgeView(APIView):
    @extend_schema(operation_id="data-purge", request=None, responses=serializers.OkSerializer)
    def post(self, request: Request, datum_id: UUID) -> Response:
        datum = selectors.get_datum(user_of(request), datum_id)
        services.purge_datum(datum=datum, actor=user_of(request))
        return Response({"ok": True})


class DatumPropertiesView(APIView):
    """Merge properties into those of one file."""

    @extend_schema(
        operation_id="data-metadata",
        request={"application/json": dict},
        responses=serializers.DatumSerializer,
    )
    def post(self, request: Request, datum_id: UUID) -> Response:
        datum = selectors.get_datum(user_of(request), datum_id)
        if not isinstance(request.data, dict):
            raise PropertiesRefused("Send the properties as one JSON object.")
        values = dict(request.data.items())
        return _shown(services.apply_properties(datum=datum, actor=user_of(request), values=values), request)


class ApplyPropertiesView(APIView):
    """Merge different properties into several files; all of them or, when something is wrong, none."""

    @extend_schema(
        operation_id="data-metadata-apply",
        request=serializers.ApplyPropertiesSerializer,
        responses=serializers.OkSerializer,
    )
    def post(self, request: Request) -> Response:
        wanted = validated(serializers.ApplyPropertiesSerializer, request)["datum_metadata"]
        found = selectors.get_datums(user_of(request), wanted)
        changes = [(found[UUID(datum_id)], values) for datum_id, values in wanted.items()]
        services.apply_properties_to_all(actor=user_of(request), changes=changes)
        return Response({"ok": True})


class UploadView(APIView):
    """Reserve a place for a file; the answer says how to upload it. Then POST to its `complete/`."""

    @extend_schema(
        operation_id="data-upload",
        request=serializers.UploadRequestSerializer,
        responses={201: serializers.UploadGrantSerializer},
    )
    def post(self, request: Request) -> Response:
        wanted = validated(serializers.UploadRequestSerializer, request)
        project = get_project(user_of(request), wanted["project"])
        require(user_of(request), Capability.RUN, project)
        store = selectors.default_store(project)
        with answering(store):
            [reserved] = uploads.reserve_uploads(
                project=project,
                store=store,
                files=[uploads.NewFile(wanted["name"], wanted["size"])],
                base_url=base_url(request),
                uploader=user_of(request),
            )
        return Response(reservation_body(reserved), status=201)


class UploadRenewView(APIView):
    """Fresh addresses for an upload that was interrupted."""

    @extend_schema(
        operation_id="data-upload-renew", request=None, responses=serializers.UploadGrantSerializer
    )
    def post(self, request: Request, datum_id: UUID) -> Response:
        datum = selectors.get_reservation(user_of(request), datum_id)
        require(user_of(request), Capability.RUN, datum.project)
        return Response(reservation_body(uploads.renew(datum, base_url=base_url(request))))


class UploadCompleteView(APIView):
    @extend_schema(
        operation_id="data-upload-complete",
        request=serializers.UploadCompleteSerializer,
        responses=serializers.DatumSerializer,
    )
    def post(self, request: Request, datum_id: UUID) -> Response:
        datum = selectors.get_reservation(user_of(request), datum_id)
        given = validated(serializers.UploadCompleteSerializer, request)
        etags = uploads.etags_from(given.pop("parts"))
        completed = uploads.complete_upload(datum=datum, actor=user_of(request), etags=etags, **given)
        return _shown(completed, request)


def _shown(datum: Datum, request: Request) -> Response:
    return Response(serializers.DatumSerializer(datum, context={"request": request}).data)
