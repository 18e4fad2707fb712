"""Executions from before have their versions of datasets and their addresses written down, too: a batch at a time, and it may
be run again."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from django.db import migrations
from django.db.models import Q

BATCH = 2_000
VERSIONS = """
    INSERT INTO executions_executioninput (execution_id, version_id, name)
    SELECT DISTINCT execution.id, version.id, item ->> 'name'
    FROM executions_execution execution
    JOIN projects_project project ON project.id = execution.project_id,
        jsonb_array_elements(execution.inputs) item,
        jsonb_array_elements_text(item -> 'urls') url
    JOIN datastores_dataset dataset ON lower(dataset.name) = lower(split_part(substr(url, 11), '/', 1))
    JOIN datastores_datasetversion version
        ON version.dataset_id = dataset.id AND lower(version.name) = lower(split_part(substr(url, 11), '/', 2))
    WHERE execution.id = ANY(%s::uuid[]) AND url ILIKE 'dataset://%%' AND dataset.owner_id = project.owner_id
    ON CONFLICT DO NOTHING
"""
ADDRESSES = """
    SELECT execution.id, execution.project_id, item ->> 'name', url
    FROM executions_execution execution,
        jsonb_array_elements(execution.inputs) item,
        jsonb_array_elements_text(item -> 'urls') url
    WHERE execution.id = ANY(%s::uuid[]) AND url ~* '^(https?|s3|gs|azure|swift)://'
"""
KEEP = """
    INSERT INTO executions_inputaddress (id, created_at, updated_at, project_id, address, digest, store_id, key)
    SELECT DISTINCT ON (entry ->> 'project', entry ->> 'digest')
        gen_random_uuid(), now(), now(), (entry ->> 'project')::uuid, entry ->> 'address', entry ->> 'digest',
        (entry ->> 'store')::uuid, entry ->> 'key'
    FROM jsonb_array_elements(%s::jsonb) entry
    ON CONFLICT DO NOTHING
"""
LINK = """
    INSERT INTO executions_executioninput (execution_id, address_id, name)
    SELECT DISTINCT (entry ->> 'execution')::uuid, address.id, entry ->> 'name'
    FROM jsonb_array_elements(%s::jsonb) entry
    JOIN executions_inputaddress address
        ON address.project_id = (entry ->> 'project')::uuid AND address.digest = entry ->> 'digest'
    ON CONFLICT DO NOTHING
"""


def fill(apps: Any, schema_editor: Any) -> None:
    executions = apps.get_model("executions", "Execution")._default_manager.exclude(inputs=[]).order_by("pk")
    ids = list(executions.values_list("pk", flat=True)[:BATCH])
    stores = _Stores(apps)
    while ids:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(VERSIONS, [ids])
            cursor.execute(ADDRESSES, [ids])
            rows = json.dumps(list(_described(cursor.fetchall(), stores)))
            cursor.execute(KEEP, [rows])
            cursor.execute(LINK, [rows])
        ids = list(executions.filter(pk__gt=ids[-1]).values_list("pk", flat=True)[:BATCH])


def _described(rows: list[tuple[UUID, UUID, str, str]], stores: "_Stores") -> Iterator[dict[str, Any]]:
    for execution_id, project_id, name, uri in rows:
        try:
            address, digest = _shown_and_digest(uri)
        except ValueError:  # no address at all; nothing was read by it
            continue
        store_id, key = stores.place(project_id, uri)
        yield {
            "execution": str(execution_id),
            "project": str(project_id),
            "name": name,
            "address": address,
            "digest": digest,
            "store": store_id,
            "key": key,
        }


def _shown_and_digest(uri: str) -> tuple[str, str]:
    """As `executions.input_addresses` did it when this was written: nothing that may be secret is shown."""
    if not uri.lower().startswith(("http://", "https://")):
        return uri, hashlib.sha256(uri.encode()).hexdigest()
    parts = urlsplit(uri)
    parts = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")
    shown = urlunsplit(parts._replace(query="")) + ("?…" if parts.query else "")
    return shown, hashlib.sha256(urlunsplit(parts).encode()).hexdigest()


class _Stores:
    """The store of a project in which an address lies, by the longest part that they share."""

    def __init__(self, apps: Any) -> None:
        self._stores = apps.get_model("datastores", "DataStore")._default_manager.exclude(kind="platform")
        self._projects = apps.get_model("projects", "Project")._default_manager
        self._prefixes: dict[UUID, list[tuple[str, UUID]]] = {}

    def place(self, project_id: UUID, uri: str) -> tuple[str | None, str]:
        if project_id not in self._prefixes:
            self._prefixes[project_id] = sorted(self._of(project_id), key=lambda pair: -len(pair[0]))
        for prefix, store_id in self._prefixes[project_id]:
            if uri.startswith(prefix):
                return str(store_id), uri[len(prefix) :]
        return None, ""

    def _of(self, project_id: UUID) -> Iterator[tuple[str, UUID]]:
        owner_id = self._projects.values_list("owner_id", flat=True).get(pk=project_id)
        usable = (
            Q(project_id=project_id)
            | Q(owner_id=owner_id, project__isnull=True)
            | Q(access_mode="public")
        )
        for store in self._stores.filter(usable):
            says = store.configuration
            place = {
                "s3": ("s3", says.get("bucket")),
                "google": ("gs", says.get("bucket")),
                "azure": ("azure", "/".join(filter(None, (says.get("account_name"), says.get("container"))))),
                "swift": ("swift", says.get("container")),
            }.get(store.kind)
            if place and place[1]:
                yield f"{place[0]}://{place[1]}/", store.pk


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("executions", "0009_versions_and_addresses_as_inputs")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
