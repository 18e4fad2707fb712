"""Routes of a project's Data tab."""

from django.urls import URLPattern, URLResolver, include, path

from datastores.web import (
    adoptions,
    dataset_packaging,
    datasets,
    organization_stores,
    project_stores,
    retention,
    views,
)

project_pages: list[URLPattern | URLResolver] = [
    path("data/", views.data, name="project_data"),
    path("data/aliases/", views.aliases, name="project_aliases"),
    path("data/adoptions/", adoptions.adoptions, name="project_adoptions"),
    path("data/adoptions/<uuid:adoption_id>/", adoptions.adoption, name="project_adoption"),
    path("data/adoptions/<uuid:adoption_id>/cancel/", adoptions.cancel, name="project_adoption_cancel"),
    path("data/aliases/<uuid:alias_id>/", views.alias, name="project_alias"),
    path("settings/retention/", retention.rules, name="project_retention"),
    path("settings/retention/<uuid:rule_id>/", retention.rule, name="project_retention_rule"),
    path("data/datasets/", datasets.datasets, name="project_datasets"),
    path("data/datasets/<uuid:dataset_id>/", datasets.dataset, name="project_dataset"),
    path("data/datasets/<uuid:dataset_id>/build/", datasets.build, name="project_dataset_build"),
    path("data/datasets/<uuid:dataset_id>/describe/", datasets.describe, name="project_dataset_describe"),
    path("data/datasets/<uuid:dataset_id>/delete/", datasets.delete, name="project_dataset_delete"),
    path("data/datasets/<uuid:dataset_id>/alias/", datasets.alias, name="project_dataset_alias"),
    path(
        "data/datasets/<uuid:dataset_id>/alias/delete/",
        datasets.alias_delete,
        name="project_dataset_alias_delete",
    ),
    path(
        "data/datasets/<uuid:dataset_id>/<uuid:version_id>/",
        datasets.version,
        name="project_dataset_version",
    ),
    path(
        "data/datasets/<uuid:dataset_id>/<uuid:version_id>/describe/",
        datasets.version_describe,
        name="project_dataset_version_describe",
    ),
    path(
        "data/datasets/<uuid:dataset_id>/<uuid:version_id>/packaging/",
        dataset_packaging.packaging,
        name="project_dataset_version_packaging",
    ),
    path(
        "data/datasets/<uuid:dataset_id>/<uuid:version_id>/diff/",
        datasets.diff,
        name="project_dataset_diff",
    ),
    path("settings/stores/", project_stores.stores, name="project_stores"),
    path("settings/stores/create/<str:kind>/", project_stores.create, name="project_store_create"),
    path("settings/stores/<uuid:store_id>/", project_stores.store, name="project_store"),
    path("settings/stores/<uuid:store_id>/choose/", project_stores.choose, name="project_store_choose"),
    path("settings/stores/<uuid:store_id>/test/", project_stores.trial, name="project_store_trial"),
    path("settings/stores/<uuid:store_id>/delete/", project_stores.delete, name="project_store_delete"),
]

organization_pages: list[URLPattern | URLResolver] = [
    path("datasets/", datasets.organization_datasets, name="organization_datasets"),
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
