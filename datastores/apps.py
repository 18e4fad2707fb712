from collections.abc import Iterable
from uuid import UUID

from django.apps import AppConfig


class DatastoresConfig(AppConfig):
    name = "datastores"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from projects.services.projects import stored_file_listings  # models are not loaded before this

        stored_file_listings.append(self.files_of_project)

    @staticmethod
    def files_of_project(project_id: UUID) -> Iterable[str]:
        from datastores.models import Datum

        return list(Datum.objects.filter(project_id=project_id).values_list("key", flat=True))
