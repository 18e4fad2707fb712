from collections.abc import Iterable
from uuid import UUID

from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    name = "executions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from common.web.metrics import sources
        from datastores.keeping import keepers  # models are not loaded before this
        from datastores.searching import execution_finders
        from environments.enrolment.services import worker_revoked
        from environments.web.jobs import job_links
        from executions.file_search import executions_with
        from executions.metrics import collect
        from executions.revoked_workers import end_jobs_of
        from executions.used_files import JOBS
        from executions.web.links import links_of_jobs
        from projects.services.projects import stored_file_listings

        stored_file_listings.append(self.files_of_project)
        keepers.append(JOBS)
        worker_revoked.append(end_jobs_of)
        execution_finders.append(executions_with)
        job_links.append(links_of_jobs)
        sources.append(collect)

    @staticmethod
    def files_of_project(project_id: UUID) -> Iterable[str]:
        from executions.models import LogChunk

        sealed = LogChunk.objects.filter(execution__project_id=project_id).exclude(storage_key="")
        return list(sealed.values_list("storage_key", flat=True).distinct())
