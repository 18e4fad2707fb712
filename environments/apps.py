from django.apps import AppConfig


class EnvironmentsConfig(AppConfig):
    name = "environments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from environments.web.choices import environment_choices  # models are not loaded before this
        from projects.web import choices

        choices.environment_choices.append(environment_choices)
