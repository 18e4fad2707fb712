"""Routes of a project's Data tab."""

from django.urls import URLPattern, URLResolver, include, path

from datastores.web import stores, views

project_pages: list[URLPattern | URLResolver] = [
    path("data/", views.data, name="project_data"),
    path("data/aliases/", views.aliases, name="project_aliases"),
]

organization_pages: list[URLPattern | URLResolver] = [
    path("stores/", stores.stores, name="organization_stores"),
    path("stores/create/<str:kind>/", stores.create, name="organization_store_create"),
    path("stores/<uuid:store_id>/", stores.store, name="organization_store"),
    path("stores/<uuid:store_id>/test/", stores.trial, name="organization_store_trial"),
    path("stores/<uuid:store_id>/delete/", stores.delete, name="organization_store_delete"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("organizations/<str:organization>/", include(organization_pages)),
    path("p/<str:owner>/<str:project>/", include(project_pages)),
]
