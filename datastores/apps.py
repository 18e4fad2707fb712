from collections.abc import Iterable
from uuid import UUID

from django.apps import AppConfig


class DatastoresConfig(AppConfig):
    name = "datastores"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from datastores.selectors import upload_store_is_usable  # models are not loaded before this
        from projects.services.ownership import OwnedChoice, owned_choices
        from projects.services.projects import stored_file_listings

        stored_file_listings.append(self.files_of_project)
        owned_choices.append(OwnedChoice("upload_store_id", "store of outputs", None, upload_store_is_usable))

    @staticmethod
    def files_of_project(project_id: UUID) -> Iterable[str]:
        from datastores.models import Datum

        return list(Datum.objects.filter(project_id=project_id).values_list("key", flat=True))
