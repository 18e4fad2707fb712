"""Datasets in a project's Data tab, and the list of those of an organization."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.current import user_of
from common.errors import DomainError
from common.web.forms import show_error
from common.web.pages import page, wants_fragment
from datastores.datasets import access, contents, selectors, services
from datastores.datasets.errors import DatasetNotFound, VersionNotFound
from datastores.datasets.packaging.selectors import packaging_of
from datastores.models import Dataset, DatasetVersion
from datastores.web.dataset_forms import AliasForm, DatasetForm, DescriptionForm
from datastores.web.dataset_rows import difference_parts, file_rows, organization_rows, project_rows
from datastores.web.origins import with_stores
from organizations.access import Capability, require
from organizations.models import Organization
from organizations.web.pages import OrganizationTab, organization_page
from projects.models import Project
from projects.web.context import project_page

TAB = OrganizationTab("datasets", "Datasets", "organization_datasets", 55, for_owners_only=False)
DATASETS_PER_PAGE = 100
VERSIONS_PER_PAGE = 50
FILES_PER_PAGE = 200
MOVES_SHOWN = 50


@page
@require_http_methods(["GET", "HEAD", "POST"])
def datasets(request: HttpRequest, owner: str, project: str) -> HttpResponse:
    """Those that the project can use; POST makes one."""
    context = project_page(request, owner, project, "data")
    found: Project = context["project"]
    may_share = _may_share(request, found)
    form = DatasetForm(request.POST or None, may_share=may_share)
    if request.method == "POST":
        require(user_of(request), Capability.EDIT, found)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_dataset(
                actor=user_of(request),
                owner=found.owner,
                name=form.cleaned_data["name"],
                project_ids=None if form.cleaned_data["for_every_project"] else [found.pk],
                notes=form.cleaned_data["notes"],
            )
        except DomainError as error:
            show_error(form, error)
        else:
            return HttpResponseRedirect(_url("dataset", found, dataset_id=made.pk))
    search = request.GET.get("search", "").replace("\0", "").strip()[:200]
    usable = access.usable_by(found).order_by("name")
    for word in search.split():
        usable = usable.filter(selectors.matching(word))
    shown = Paginator(usable, DATASETS_PER_PAGE).get_page(request.GET.get("page"))
    context |= {
        "section": "datasets",
        "form": form,
        "page": shown,
        "rows": project_rows(shown.object_list),
        "search": search,
    }
    return render(request, "datastores/datasets/list.html", context)


@page
@require_GET
def dataset(request: HttpRequest, owner: str, project: str, dataset_id: UUID) -> HttpResponse:
    """Its versions, aliases and their history, and what is said of it."""
    context, found = _dataset_page(request, owner, project, dataset_id)
    versions = found.versions.select_related("creator", "execution_project__owner").prefetch_related(
        "aliases"
    )
    shown = Paginator(versions.order_by("-id"), VERSIONS_PER_PAGE).get_page(request.GET.get("page"))
    context |= {
        "page": shown,
        "aliases": found.aliases.select_related("version").order_by("name"),
        "moves": selectors.moves_of(found)[:MOVES_SHOWN],
        "names": found.versions.order_by("-id").values_list("name", flat=True)[:VERSIONS_PER_PAGE],
        "shared_with": _shared_with(request, found),
        "description": DescriptionForm(initial=DescriptionForm.initial_of(found)),
    }
    return render(request, "datastores/datasets/detail.html", context)


@page
@require_POST
def describe(request: HttpRequest, owner: str, project: str, dataset_id: UUID) -> HttpResponse:
    context, found = _dataset_page(request, owner, project, dataset_id)
    back = _url("dataset", context["project"], dataset_id=found.pk)
    form = DescriptionForm(request.POST)
    return _described(
        request,
        form,
        back,
        lambda given: services.change_dataset(dataset=found, actor=user_of(request), **given),
    )


@page
@require_POST
def delete(request: HttpRequest, owner: str, project: str, dataset_id: UUID) -> HttpResponse:
    context, found = _dataset_page(request, owner, project, dataset_id)
    services.delete_dataset(dataset=found, actor=user_of(request))
    messages.success(request, f"Deleted {found.name}. Its files stay where they are.")
    return HttpResponseRedirect(_url("datasets", context["project"]))


@page
@require_POST
def alias(request: HttpRequest, owner: str, project: str, dataset_id: UUID) -> HttpResponse:
    """Set an alias, or move it to another version."""
    context, found = _dataset_page(request, owner, project, dataset_id)
    access.require_edit(user_of(request), found)
    form = AliasForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        version = selectors.find_version(found, given["version"])
        try:
            if version is None:
                raise VersionNotFound(given["version"])
            services.set_alias(version=version, actor=user_of(request), name=given["name"])
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{given['name']} is {version.name} now.")
    else:
        messages.error(request, "Give the alias a name, and choose a version.")
    return HttpResponseRedirect(_url("dataset", context["project"], dataset_id=found.pk))


@page
@require_POST
def alias_delete(request: HttpRequest, owner: str, project: str, dataset_id: UUID) -> HttpResponse:
    context, found = _dataset_page(request, owner, project, dataset_id)
    access.require_edit(user_of(request), found)
    named = found.aliases.filter(name__iexact=request.POST.get("name", "").replace("\0", "")).first()
    if named is not None:
        services.delete_alias(alias=named, actor=user_of(request))
        messages.success(request, f"Removed the alias {named.name}.")
    return HttpResponseRedirect(_url("dataset", context["project"], dataset_id=found.pk))


@page
@require_GET
def build(request: HttpRequest, owner: str, project: str, dataset_id: UUID) -> HttpResponse:
    """A form for a version: of chosen files, or of another version. It posts to the public API."""
    context, found = _dataset_page(request, owner, project, dataset_id)
    access.require_edit(user_of(request), found)
    versions = list(found.versions.order_by("-id")[:VERSIONS_PER_PAGE])
    asked = request.GET.get("from", "")
    context |= {"versions": versions, "asked": asked, "suggestion": _next_name(found, versions)}
    return render(request, "datastores/datasets/build.html", context)


@page
@require_GET
def version(
    request: HttpRequest, owner: str, project: str, dataset_id: UUID, version_id: UUID
) -> HttpResponse:
    """Its files, in pages; to the page's own requests only their table."""
    context, found = _dataset_page(request, owner, project, dataset_id)
    shown = _version(found, version_id)
    search = request.GET.get("search", "").replace("\0", "").strip()[:200]
    files = Paginator(contents.files_of(shown, search), FILES_PER_PAGE).get_page(request.GET.get("page"))
    context |= {
        "version": shown,
        "page": files,
        "rows": file_rows(files.object_list, user_of(request), found.owner_id),
        "search": search,
    }
    if wants_fragment(request):
        return render(request, "datastores/datasets/_files.html", context)
    context |= {
        "others": found.versions.exclude(pk=shown.pk).order_by("-id")[:VERSIONS_PER_PAGE],
        "description": DescriptionForm(initial=DescriptionForm.initial_of(shown)),
        "packaging": packaging_of(shown),
    }
    return with_stores(render(request, "datastores/datasets/version.html", context), context["project"])


@page
@require_POST
def version_describe(
    request: HttpRequest, owner: str, project: str, dataset_id: UUID, version_id: UUID
) -> HttpResponse:
    context, found = _dataset_page(request, owner, project, dataset_id)
    shown = _version(found, version_id)
    back = _url("dataset_version", context["project"], dataset_id=found.pk, version_id=shown.pk)
    return _described(
        request,
        DescriptionForm(request.POST),
        back,
        lambda given: services.change_version(version=shown, actor=user_of(request), **given),
    )


@page
@require_GET
def diff(request: HttpRequest, owner: str, project: str, dataset_id: UUID, version_id: UUID) -> HttpResponse:
    """What a version has that `from` has not, and the other way round."""
    context, found = _dataset_page(request, owner, project, dataset_id)
    new = _version(found, version_id)
    old = selectors.find_version(found, request.GET.get("from", "")) or new.previous_version
    if old is None or old.dataset_id != found.pk:
        raise VersionNotFound(request.GET.get("from", ""))
    context |= {"old": old, "new": new, "parts": difference_parts(old, new)}
    return render(request, "datastores/datasets/diff.html", context)


@page
@require_GET
def organization_datasets(request: HttpRequest, organization: str) -> HttpResponse:
    """Those of the organization that the user sees, with a project to open each in."""
    context = organization_page(request, organization, TAB.name)
    found: Organization = context["organization"]
    user = user_of(request)
    owned = access.datasets_for(user).filter(owner_id=found.pk).order_by("name")
    shown = Paginator(owned, DATASETS_PER_PAGE).get_page(request.GET.get("page"))
    context |= {"page": shown, "rows": organization_rows(shown.object_list, user, found)}
    return render(request, "datastores/datasets/organization_list.html", context)


def version_page(
    request: HttpRequest, owner: str, project: str, dataset_id: UUID, version_id: UUID
) -> tuple[dict[str, Any], DatasetVersion]:
    """The context of a page about the version, whose dataset the project that the address names has to have."""
    context, found = _dataset_page(request, owner, project, dataset_id)
    return context, _version(found, version_id)


def _dataset_page(
    request: HttpRequest, owner: str, project: str, dataset_id: UUID
) -> tuple[dict[str, Any], Dataset]:
    context = project_page(request, owner, project, "data")
    found = access.usable_by(context["project"]).filter(pk=dataset_id).first()
    if found is None:
        raise DatasetNotFound(dataset_id)
    may_change = Capability.EDIT in access.capabilities_on(user_of(request), found)
    return context | {"section": "datasets", "dataset": found, "may_change": may_change}, found


def _version(dataset: Dataset, version_id: UUID) -> DatasetVersion:
    related = ("dataset", "creator", "execution_project__owner", "previous_version__dataset")
    found = (
        dataset.versions.filter(pk=version_id).select_related(*related).prefetch_related("aliases").first()
    )
    if found is None:
        raise VersionNotFound(version_id)
    return found


def _described(request: HttpRequest, form: DescriptionForm, back: str, change: Any) -> HttpResponse:
    if not form.is_valid():
        messages.error(request, " ".join(str(text) for errors in form.errors.values() for text in errors))
        return HttpResponseRedirect(back)
    try:
        change(form.given())
    except DomainError as error:
        if error.http_status == 403:
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, "Saved.")
    return HttpResponseRedirect(back)


def _may_share(request: HttpRequest, project: Project) -> bool:
    try:
        access.require_creation(user_of(request), project.owner)
    except DomainError:
        return False
    return True


def _shared_with(request: HttpRequest, dataset: Dataset) -> list[Project]:
    """The projects that the user may know of."""
    return list(access.visible_projects(user_of(request), dataset))


def _next_name(dataset: Dataset, versions: list[DatasetVersion]) -> str:
    """v1, v2 and so on, as long as versions are called like that."""
    taken = {version.name.casefold() for version in versions}
    number = dataset.versions.count() + 1
    while f"v{number}" in taken:
        number += 1
    return f"v{number}"


def _url(name: str, project: Project, **where: Any) -> str:
    return reverse(f"project_{name}", kwargs={"owner": project.owner.name, "project": project.name, **where})
