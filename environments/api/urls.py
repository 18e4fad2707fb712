"""Routes."""

from django.urls import URLPattern, URLResolver, path

from environments.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("environments/", views.EnvironmentListView.as_view(), name="environment-list"),
    path("environments/<str:reference>/", views.EnvironmentDetailView.as_view(), name="environment-detail"),
]
