"""One address, answered at once, as the official clients ask for it."""

from django.db import transaction

from accounts.models import User
from audit.services import record
from common.notices import publish_on_commit
from datastores.addresses import place_in
from datastores.adoption import records, rules
from datastores.errors import AdoptableNotFound, AlreadyAdopted
from datastores.models import DataStore, Datum
from datastores.opening import object_store
from organizations.access import Capability, require
from projects.models import Project


def adopt(*, store: DataStore, project: Project, actor: User, uri: str) -> Datum:
    """Raises `AdoptionForbidden`, `AdoptableNotFound`, `AlreadyAdopted`, `NameRefused` or `StoreProblem`."""
    require(actor, Capability.RUN, project)
    rules.require_adoptable(store, project)
    address = uri.strip()
    placed = place_in([store], address)
    facts = object_store(store).facts(placed.key) if placed else None
    if facts is None:
        raise AdoptableNotFound(address, store.name)
    with transaction.atomic():
        records.take_turn(store)
        if records.known_keys(store, project, [facts.key]):
            raise AlreadyAdopted(address, store.name)
        datum = records.record_of(facts, address, store=store, project=project, uploader=actor)
        datum.save(force_insert=True)
        record(
            "datum.adopted", actor=actor, target=datum, after={"uri": address, "size_bytes": facts.size_bytes}
        )
        publish_on_commit(f"project:{project.pk}", "data")
    return datum
