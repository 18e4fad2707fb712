from django.apps import AppConfig


class EnvironmentsConfig(AppConfig):
    name = "environments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from common.web.metrics import sources
        from environments.autoscaling.metrics import collect
        from environments.enrolment import checks
        from environments.selectors import default_is_usable  # models are not loaded before this
        from environments.services import defaults
        from environments.services.environments import end_assignments
        from environments.web import environments, machines, registries
        from environments.web.choices import default_choices, environment_choices
        from organizations.services import member_removed, settings_checks
        from organizations.web import choices as organization_choices
        from organizations.web.pages import tabs
        from projects.services.ownership import OwnedChoice, owned_choices
        from projects.services.projects import change_checks
        from projects.web import choices

        sources.append(collect)
        checks.register()
        choices.environment_choices.append(environment_choices)
        organization_choices.environment_choices.append(default_choices)
        owned_choices.append(
            OwnedChoice("default_environment_slug", "default environment", "", default_is_usable)
        )
        change_checks.append(defaults.check_default_of_project)
        member_removed.append(end_assignments)
        settings_checks.append(defaults.check_default_of_organization)
        tabs.extend([environments.TAB, machines.TAB, registries.TAB])
