"""Pages that show files and upload some talk to the stores of their project."""

from urllib.parse import urlsplit

from django.core.cache import cache
from django.http import HttpResponse

from common.errors import DomainError
from common.objectstores import ObjectStore
from common.objectstores.opening import open_store
from common.web.origins import allow_origins
from datastores.models import DataStore
from datastores.opening import answering, settings_of
from datastores.selectors import readable_by
from projects.models import Project

REMEMBERED_SECONDS = 24 * 3600


def with_stores(response: HttpResponse, project: Project) -> HttpResponse:
    """Let the page upload to the stores of the project and show what lies in them."""
    stores = list(readable_by(project))
    known = cache.get_many([_key(store) for store in stores])
    origins = (known.get(_key(store)) or _learned(store) for store in stores)
    return allow_origins(response, filter(None, origins))


def _learned(store: DataStore) -> str:
    """From an address of any object. It depends on the configuration alone, so that it is learned once."""
    try:
        address = urlsplit(_address_in(store))
    except DomainError:  # the page is there without it; an upload or a preview says what is wrong
        return ""
    origin = f"{address.scheme}://{address.netloc}" if address.netloc else ""
    cache.set(_key(store), origin, REMEMBERED_SECONDS)
    return origin


def _address_in(store: DataStore) -> str:
    if store.kind == DataStore.Kind.S3:
        # Addresses are the same whoever signs them, and taking on a role asks the cloud.
        roles = ("role_arn", "multipart_upload_iam_role")
        settings = {name: value for name, value in settings_of(store).items() if name not in roles}
        return _some_address(open_store(store.kind, settings))
    with answering(store) as place:
        return _some_address(place)


def _some_address(place: ObjectStore) -> str:
    return place.grant_put("x", size_bytes=None, lifetime_seconds=1, base_url="").url


def _key(store: DataStore) -> str:
    return f"store-origin:{store.pk}:{store.updated_at.timestamp()}"
