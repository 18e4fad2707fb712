"""Addresses of project pages."""

from django.urls import reverse

from projects.models import Project


def page(name: str, project: Project, **kwargs: object) -> str:
    return reverse(name, kwargs={"owner": project.owner.name, "project": project.name, **kwargs})
