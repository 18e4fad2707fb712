"""Routes of a project's Data tab."""

from django.urls import URLPattern, URLResolver, include, path

from datastores.web import adoptions, organization_stores, project_stores, retention, views

project_pages: list[URLPattern | URLResolver] = [
    path("data/", views.data, name="project_data"),
    path("data/aliases/", views.aliases, name="project_aliases"),
    path("data/adoptions/", adoptions.adoptions, name="project_adoptions"),
    path("data/adoptions/<uuid:adoption_id>/", adoptions.adoption, name="project_adoption"),
    path("data/adoptions/<uuid:adoption_id>/cancel/", adoptions.cancel, name="project_adoption_cancel"),
    path("data/aliases/<uuid:alias_id>/", views.alias, name="project_alias"),
    path("settings/retention/", retention.rules, name="project_retention"),
    path("settings/retention/<uuid:rule_id>/", retention.rule, name="project_retention_rule"),
    path("settings/stores/", project_stores.stores, name="project_stores"),
    path("settings/stores/create/<str:kind>/", project_stores.create, name="project_store_create"),
    path("settings/stores/<uuid:store_id>/", project_stores.store, name="project_store"),
    path("settings/stores/<uuid:store_id>/choose/", project_stores.choose, name="project_store_choose"),
    path("settings/stores/<uuid:store_id>/test/", project_stores.trial, name="project_store_trial"),
    path("settings/stores/<uuid:store_id>/delete/", project_stores.delete, name="project_store_delete"),
]

organization_pages: list[URLPattern | URLResolver] = [
    path("stores/", organization_stores.stores, name="organization_stores"),
    path("stores/create/<str:kind>/", organization_stores.create, name="organization_store_create"),
    path("stores/<uuid:store_id>/", organization_stores.store, name="organization_store"),
    path("stores/<uuid:store_id>/test/", organization_stores.trial, name="organization_store_trial"),
    path("stores/<uuid:store_id>/delete/", organization_stores.delete, name="organization_store_delete"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("organizations/<str:organization>/", include(organization_pages)),
    path("p/<str:owner>/<str:project>/", include(project_pages)),
]
