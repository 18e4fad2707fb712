from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.services.emails import on_proved  # models are not loaded before this
        from organizations.services import accept_waiting
        from organizations.web.pages import OrganizationTab, tabs

        on_proved.append(accept_waiting)

        tabs += [
            OrganizationTab("members", "Members", "organization_members", 10, for_owners_only=False),
            OrganizationTab("invitations", "Invitations", "organization_invitations", 20),
            OrganizationTab("teams", "Teams", "organization_teams", 30, for_owners_only=False),
            OrganizationTab("settings", "Settings", "organization_settings", 80),
            OrganizationTab("audit", "Audit log", "organization_audit", 90),
        ]
