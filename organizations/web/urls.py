"""Routes of the pages about organizations. Higher apps add tabs of their own below the same prefix."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
