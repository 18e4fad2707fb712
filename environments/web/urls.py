"""Routes of the tabs Environments and Registries of an organization."""

from django.urls import URLPattern, URLResolver, include, path

from environments.enrolment import installer
from environments.web import enrolment, environments, machines, provider, registries

organization_pages: list[URLPattern | URLResolver] = [
    path("environments/", environments.environments, name="organization_environments"),
    path("environments/create/", environments.create, name="organization_environment_create"),
    path("environments/default/", environments.set_default, name="organization_environment_default"),
    path("environments/<str:environment>/", environments.environment, name="organization_environment"),
    path("environments/<str:environment>/quota/", environments.quota, name="organization_environment_quota"),
    path(
        "environments/<str:environment>/delete/", environments.delete, name="organization_environment_delete"
    ),
    path("machines/", machines.organization_machines, name="organization_machines"),
    path(
        "environments/<str:environment>/tokens/", enrolment.issue_token, name="organization_environment_token"
    ),
    path(
        "environments/<str:environment>/tokens/<uuid:token_id>/revoke/",
        enrolment.revoke_token,
        name="organization_environment_token_revoke",
    ),
    path(
        "environments/<str:environment>/workers/<uuid:credential_id>/revoke/",
        enrolment.revoke_worker,
        name="organization_environment_worker_revoke",
    ),
    path("registries/", registries.registries, name="organization_registries"),
    path("registries/create/<str:kind>/", registries.create, name="organization_registry_create"),
    path("registries/<uuid:registry_id>/", registries.registry, name="organization_registry"),
    path("registries/<uuid:registry_id>/delete/", registries.delete, name="organization_registry_delete"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("organizations/<str:organization>/", include(organization_pages)),
    path("environments/", machines.environment_list, name="environments"),
    path("environments/<str:environment>/", machines.environment, name="environment"),
    path("environments/<str:environment>/provider/", provider.provider, name="environment_provider"),
    path("environments/<str:environment>/provider/check/", provider.check, name="environment_provider_check"),
    path("environments/<str:environment>/scale/", machines.change_scale, name="environment_scale"),
    *(
        path(
            f"environments/<str:environment>/machines/<uuid:machine_id>/{action}/",
            machines.act_on_machine,
            {"action": action},
            name=f"environment_machine_{action}",
        )
        for action in machines.ACTIONS
    ),
    path("agent/install.sh", installer.install_script, name="agent-install"),
    path("agent/peon.pyz", installer.agent_file, name="agent-file"),
    path("agent/peon.pyz.sha256", installer.agent_checksum, name="agent-checksum"),
]
