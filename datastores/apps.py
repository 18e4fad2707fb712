from collections.abc import Iterable
from uuid import UUID

from django.apps import AppConfig


class DatastoresConfig(AppConfig):
    name = "datastores"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from datastores import cleaning, defaults  # models are not loaded before this
        from datastores.datasets.keeping import VERSIONS
        from datastores.datasets.packaging import background as packaging  # noqa: F401  (the same)
        from datastores.datasets.packaging.dropping import drop_of_project, drop_with_datum
        from datastores.keeping import keepers
        from datastores.retention import background  # noqa: F401  (tasks that Celery does not look for there)
        from datastores.selectors import upload_store_is_usable
        from datastores.web import datasets, organization_stores
        from datastores.web.store_pages import default_choices
        from organizations.services import settings_checks
        from organizations.web.choices import store_choices
        from organizations.web.pages import tabs
        from projects.services.ownership import OwnedChoice, owned_choices
        from projects.services.projects import change_checks, deletion_steps, stored_file_listings

        stored_file_listings.append(self.files_of_project)
        deletion_steps.append(drop_of_project)
        cleaning.erasure_steps.append(drop_with_datum)
        owned_choices.append(OwnedChoice("upload_store_id", "store of outputs", None, upload_store_is_usable))
        change_checks.append(defaults.check_store_of_project)
        settings_checks.append(defaults.check_store_of_organization)
        keepers.append(VERSIONS)
        tabs.append(organization_stores.TAB)
        tabs.append(datasets.TAB)
        store_choices.append(default_choices)

    @staticmethod
    def files_of_project(project_id: UUID) -> Iterable[str]:
        """Those in the platform's storage; what lies in users' own stores stays there."""
        from datastores.models import DataStore, Datum

        kept = Datum.objects.filter(project_id=project_id, store__kind=DataStore.Kind.PLATFORM)
        return list(kept.values_list("key", flat=True))
