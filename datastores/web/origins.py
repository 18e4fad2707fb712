"""Pages that show files and upload some talk to the stores of their project."""

from django.http import HttpResponse

from common.errors import DomainError
from common.web.origins import allow_origins
from datastores.models import DataStore
from datastores.opening import object_store
from datastores.selectors import readable_by
from projects.models import Project


def with_stores(response: HttpResponse, project: Project) -> HttpResponse:
    """Let the page upload to the stores of the project and show what lies in them."""
    return allow_origins(response, filter(None, map(_address_in, readable_by(project))))


def _address_in(store: DataStore) -> str:
    try:
        return object_store(store).grant_put("x", size_bytes=None, lifetime_seconds=1, base_url="").url
    except DomainError:  # the page is there without it; an upload or a preview says what is wrong
        return ""
