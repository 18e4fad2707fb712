"""What the detail shows beyond the row itself: outputs, the last events, the last metadata."""

from typing import Any

from rest_framework.request import Request

from datastores.api.serializers import DatumSerializer
from datastores.selectors import datums_for, with_shared_related
from executions.api.links import Links
from executions.api.representation import BULKY_FIELDS, ROW_FIELDS, represent
from executions.logs import reader
from executions.metadata import store
from executions.models import Execution

MOST_EMBEDDED = 100


def represent_detail(execution: Execution, request: Request, exclude: frozenset[str]) -> dict[str, Any]:
    fields = {name: field for name, field in {**ROW_FIELDS, **BULKY_FIELDS}.items() if name not in exclude}
    shown = represent(execution, fields, Links(request))
    if "outputs" not in exclude:
        shown["outputs"] = outputs(execution, request)
    if "events" not in exclude:
        shown["events"] = last_events(execution)
    if "metadata" not in exclude:
        shown["metadata"] = last_metadata(execution)
    return shown


def outputs(execution: Execution, request: Request) -> list[dict[str, Any]]:
    stored = with_shared_related(datums_for(request.user).filter(output_execution_id=execution.pk))
    serializer = DatumSerializer(
        stored.order_by("name", "created_at"), many=True, context={"request": request}
    )
    return list(serializer.data)


def last_events(execution: Execution) -> list[dict[str, Any]]:
    return reader.last_events(execution, MOST_EMBEDDED)


def last_metadata(execution: Execution) -> list[dict[str, Any]]:
    return store.last_events(execution, MOST_EMBEDDED)
