from typing import Any

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "projects"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from organizations.api import hooks  # models are not loaded before this
        from organizations.services import member_removed
        from organizations.web.pages import tabs
        from projects.services.collaborators import end_collaborations
        from projects.web.organization_variables import TAB

        hooks.team_projects.append(self.projects_of_team)
        member_removed.append(end_collaborations)
        tabs.append(TAB)

    @staticmethod
    def projects_of_team(team: Any, request: Any) -> list[dict[str, Any]]:
        from projects.api.representation import represent_projects  # models are not loaded before this
        from projects.selectors import projects_for

        return represent_projects(projects_for(request.user).filter(team=team).order_by("name"), request)
