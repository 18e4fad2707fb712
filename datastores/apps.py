from collections.abc import Iterable
from uuid import UUID

from django.apps import AppConfig


class DatastoresConfig(AppConfig):
    name = "datastores"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from datastores import defaults  # models are not loaded before this
        from organizations.services import settings_checks
        from projects.services.projects import change_checks, stored_file_listings

        stored_file_listings.append(self.files_of_project)
        change_checks.append(defaults.check_store_of_project)
        settings_checks.append(defaults.check_store_of_organization)

    @staticmethod
    def files_of_project(project_id: UUID) -> Iterable[str]:
        from datastores.models import Datum

        return list(Datum.objects.filter(project_id=project_id).values_list("key", flat=True))
