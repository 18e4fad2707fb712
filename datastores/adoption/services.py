"""Starting and cancelling adoptions that run in the background."""

from collections.abc import Sequence
from functools import partial

from django.db import transaction

from accounts.models import User
from audit.services import record
from common import clock
from common.notices import publish_on_commit
from datastores.adoption import lifecycle, rules
from datastores.background import continue_adoption
from datastores.errors import AdoptionEnded, AdoptionRefused
from datastores.models import Adoption, DataStore
from organizations.access import Capability, require
from projects.models import Project

MOST_UNFINISHED = 20
"""Of one project at a time."""
_SHOWN_ADDRESSES = 10


@transaction.atomic
def start(*, project: Project, store: DataStore, actor: User, addresses: Sequence[str]) -> Adoption:
    """Adopt what the addresses name: single files, folders with their slash, wildcards. Raises `AdoptionForbidden` or
    `AdoptionRefused`; what is wrong with single files is a result of theirs.
    """
    require(actor, Capability.RUN, project)
    rules.require_adoptable(store, project)
    wanted = rules.checked_addresses(store, addresses)
    unfinished = Adoption.objects.filter(project=project, state__in=lifecycle.UNFINISHED)
    if unfinished.count() >= MOST_UNFINISHED:
        raise AdoptionRefused(
            f"{MOST_UNFINISHED} adoptions of this project are not finished. Wait for one, or cancel it."
        )
    adoption = Adoption.objects.create(
        project=project, store=store, creator=actor, addresses=wanted, progressed_at=clock.now()
    )
    facts = {"store": store.name, "addresses": wanted[:_SHOWN_ADDRESSES], "address_count": len(wanted)}
    record("adoption.started", actor=actor, target=adoption, after=facts)
    transaction.on_commit(
        partial(continue_adoption.apply_async, [str(adoption.pk)], retry=False), robust=True
    )
    return adoption


@transaction.atomic
def cancel(*, adoption: Adoption, actor: User) -> Adoption:
    """What was adopted stays. Raises `AdoptionEnded` when there is nothing left to cancel."""
    require(actor, Capability.RUN, adoption.project)
    if not lifecycle.cancel(adoption.pk):
        raise AdoptionEnded
    adoption.refresh_from_db()
    record("adoption.cancelled", actor=actor, target=adoption, after=adoption.counts)
    publish_on_commit(f"project:{adoption.project_id}", "adoption")
    return adoption
