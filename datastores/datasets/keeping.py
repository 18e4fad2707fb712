"""Versions of datasets keep their files: no rule of retention purges them."""

from django.db.models import Exists, QuerySet

from datastores.datasets.models import DatasetFile, DatasetVersion
from datastores.keeping import Keeper, of_file
from datastores.models import Datum


def versions_with(datum: Datum) -> QuerySet[DatasetVersion]:
    return DatasetVersion.objects.filter(files__datum=datum).select_related("dataset")


def _in_a_version() -> Exists:
    return of_file(DatasetFile.objects.all())


VERSIONS = Keeper("a version of a dataset", _in_a_version, _in_a_version)
