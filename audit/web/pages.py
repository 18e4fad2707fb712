"""A log as part of a page: filter, rows, the next page, and the same rows as a file. Pages of higher apps show it."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from audit import selectors
from audit.models import AuditEvent
from audit.representation import ShowsSource, as_csv, differences
from audit.types import Position
from audit.web.forms import FilterForm
from common import clock
from common.rest.downloads import attachment

PAGE_SIZE = 50


def log_page(
    request: HttpRequest,
    events: QuerySet[AuditEvent],
    shows_source: ShowsSource,
    *,
    csv_url: str,
    projects: Iterable[str] | None,
) -> dict[str, Any]:
    """What `audit/_log.html` shows of these rows. `projects`: names to offer; None where all rows are of one project."""
    form = FilterForm(request.GET, kinds=selectors.kinds_lately(events))
    if projects is None:
        del form.fields["project"]
    before = Position.parse(request.GET.get("before", ""))
    rows, older = selectors.page_of(selectors.matching(events, form.wanted), before, PAGE_SIZE)
    query = {name: value for name, value in request.GET.items() if name in form.fields and value}
    return {
        "audit_form": form,
        "audit_rows": [(event, differences(event), shows_source(event)) for event in rows],
        "audit_projects": projects or (),
        "audit_filtered": bool(query),
        "audit_first_page": f"?{urlencode(query)}" if before else "",
        "audit_next_page": f"?{urlencode({**query, 'before': str(older)})}" if older else "",
        "audit_csv_url": f"{csv_url}?{urlencode(query)}" if query else csv_url,
    }


def log_file(
    request: HttpRequest, events: QuerySet[AuditEvent], shows_source: ShowsSource, *, name: str
) -> StreamingHttpResponse:
    """All rows that match the filter, as CSV."""
    wanted = FilterForm(request.GET, kinds=selectors.kinds_lately(events)).wanted
    rows = selectors.every(selectors.matching(events, wanted))
    return attachment(as_csv(rows, shows_source), f"{name}-audit-{clock.now():%Y-%m-%d}.csv", "text/csv")
