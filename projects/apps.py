from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "projects"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from organizations.web.pages import tabs  # models are not loaded before this
        from projects.web.organization_variables import TAB

        tabs.append(TAB)
