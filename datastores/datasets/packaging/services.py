"""What people ask for: packages of a version, and that there are none any more."""

from functools import partial

from django.db import transaction

from accounts.models import User
from audit.services import record
from datastores.datasets import access
from datastores.datasets.models import Dataset, DatasetPackage, DatasetVersion
from datastores.datasets.packaging import dropping, lifecycle
from datastores.datasets.packaging.background import build_next, plan_packages


@transaction.atomic
def request_packages(*, version: DatasetVersion, actor: User) -> DatasetVersion:
    """Jobs are to get its small files in packages, which are made in the background; failed ones are tried again. Repeating
    it changes nothing. Raises `DatasetForbidden`."""
    access.require_edit(actor, version.dataset)
    row = _locked(version)
    again = lifecycle.retry(row.pk)
    if again:
        transaction.on_commit(partial(build_next.apply_async, retry=False), robust=True)
    if not row.wants_package:
        row.wants_package, row.packages_planned_at = True, None
        row.save(update_fields=["wants_package", "packages_planned_at", "updated_at"])
        plan_on_commit(row)
    if again or not version.wants_package:
        facts = {"tried_again": again} if again else {}
        record("dataset_version.packages_requested", actor=actor, target=version, after=facts)
    version.wants_package = True
    return version


@transaction.atomic
def remove_packages(*, version: DatasetVersion, actor: User) -> DatasetVersion:
    """Jobs get its files one by one from now on; the bytes of its packages go. Raises `DatasetForbidden`."""
    access.require_edit(actor, version.dataset)
    row = _locked(version)
    if row.wants_package:
        row.wants_package, row.packages_planned_at = False, None
        row.save(update_fields=["wants_package", "packages_planned_at", "updated_at"])
        dropping.drop_all(DatasetPackage.objects.filter(version=row))
        record("dataset_version.packages_removed", actor=actor, target=version)
    version.wants_package = False
    return version


def plan_on_commit(version: DatasetVersion) -> None:
    """The broker may be away: `continue_packaging` finds what is not planned."""
    transaction.on_commit(partial(plan_packages.apply_async, [str(version.pk)], retry=False), robust=True)


def drop_packages_of(dataset: Dataset) -> None:
    """Of a dataset that is deleted. Inside a transaction."""
    dropping.drop_all(DatasetPackage.objects.filter(version__dataset=dataset))


def _locked(version: DatasetVersion) -> DatasetVersion:
    return DatasetVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
