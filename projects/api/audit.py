"""The audit log in the public API. It is read here because project administrators read the rows of their projects."""

from django.db.models import QuerySet
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from audit import selectors as log
from audit.api import pagination, schemas
from audit.models import AuditEvent
from audit.representation import as_csv, represent
from common import clock
from common.rest.downloads import attachment
from organizations import audit_access
from organizations.access import Capability, require
from organizations.selectors import organization_named
from projects import selectors

PAGING = [
    OpenApiParameter("limit", OpenApiTypes.INT, description="100 unless told, 10,000 at most."),
    OpenApiParameter("before", OpenApiTypes.STR, description="Where the page begins, as `next` has it."),
]


class AuditEventListView(GenericAPIView[AuditEvent]):
    """The newest rows first: of one's own account and organizations, of one `organization`, or of one `project`."""

    serializer_class = schemas.AuditEventShape
    filter_backends = ()
    pagination_class = None
    queryset = AuditEvent.objects.none()

    @extend_schema(operation_id="audit_events_list", parameters=[*schemas.PARAMETERS, *PAGING])
    def get(self, request: Request) -> Response:
        rows, older = log.page_of(
            _asked_for(request), pagination.position(request), pagination.limit(request)
        )
        shows_source = audit_access.source_rule(user_of(request))
        shown = [represent(event, with_source=shows_source(event)) for event in rows]
        return pagination.answer(request, shown, older)


class AuditEventCsvView(APIView):
    @extend_schema(
        operation_id="audit_events_csv", parameters=schemas.PARAMETERS, responses={(200, "text/csv"): str}
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The same rows, all of them, as a file. Cells that a spreadsheet would take for a formula begin with `'`."""
        rows = as_csv(log.every(_asked_for(request)), audit_access.source_rule(user_of(request)))
        return attachment(rows, f"audit-{clock.now():%Y-%m-%d}.csv", "text/csv")


def _asked_for(request: Request) -> QuerySet[AuditEvent]:
    return log.matching(_readable(request), schemas.wanted(request))


def _readable(request: Request) -> QuerySet[AuditEvent]:
    """The rows that the query names, as far as the caller may read them; 404 or 403 otherwise."""
    user = user_of(request)
    organization, project = (request.query_params.get(name) for name in ("organization", "project"))
    events = audit_access.events_for(user)
    if organization:
        events = audit_access.events_of_organization(user, organization_named(user, organization))
    if project:
        found = selectors.get_project(user, project)
        require(user, Capability.ADMINISTER, found)
        within = log.of_project(found.pk)
        events = events & within if organization else within
    return events
