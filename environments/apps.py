from django.apps import AppConfig


class EnvironmentsConfig(AppConfig):
    name = "environments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from environments.selectors import default_is_usable  # models are not loaded before this
        from environments.web.choices import environment_choices
        from projects.services.ownership import OwnedChoice, owned_choices
        from projects.web import choices

        choices.environment_choices.append(environment_choices)
        owned_choices.append(
            OwnedChoice("default_environment_slug", "default environment", "", default_is_usable)
        )
