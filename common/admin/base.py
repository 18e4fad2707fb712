"""The base of the administration pages: safe by default, quick on large tables, and secrets go in but never come out."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from common.admin.secrets import SecretField, SecretInput, SecretsKeptForm, SecretTextarea
from common.admin.tables import EstimatingPaginator
from common.admin.tenancy import TenantAdmin
from common.crypto import EncryptedTextField
from common.errors import DomainError

MOST_ROWS_NAMED = 20


class PlatformAdmin(TenantAdmin):
    """Rows to look at. A page that lets them be written says so in `allows`, and how in `save_model` and `delete_model`."""

    form: type[forms.ModelForm] = SecretsKeptForm  # type: ignore[type-arg]
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_per_page = 100
    multiline_secrets: tuple[str, ...] = ()

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Where nothing can be changed, secrets are left out: they would be shown as text."""
        excluded = list(super().get_exclude(request, obj) or ())
        if not self.has_change_permission(request, obj):
            fields = self.model._meta.get_fields()
            excluded += [field.name for field in fields if isinstance(field, EncryptedTextField)]
        return excluded

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, EncryptedTextField):
            widget = SecretTextarea() if db_field.name in self.multiline_secrets else SecretInput()
            return SecretField(label=db_field.verbose_name.capitalize(), widget=widget)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An id finds its row by the index, whatever else can be searched."""
        text = search_term.strip().replace("\0", "")
        identifier = as_uuid(text)
        if identifier and isinstance(self.model._meta.pk, models.UUIDField):
            return queryset.filter(pk=identifier), False
        return super().get_search_results(request, queryset, text)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._told(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._told(request, super().delete_view, *args, **kwargs)

    def _told(self, request: HttpRequest, view: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What a service refuses becomes a message above the page, not a crash."""
        try:
            return view(request, *args, **kwargs)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Each row goes the way that a single one goes."""
        name = str(self.opts.verbose_name_plural)
        self.act_on_each(request, queryset, lambda row: self.delete_model(request, row), f"{name} deleted")

    def act_on_each(
        self, request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], Any], done: str
    ) -> None:
        """Call a service for each row; say how many succeeded and why others did not."""
        succeeded = 0
        for row in rows:
            try:
                act(row)
                succeeded += 1
            except DomainError as error:
                self.message_user(request, f"{row}: {error.message}", messages.ERROR)
        if succeeded:
            self.message_user(request, f"{succeeded} {done}.", messages.SUCCESS)

    def ask_first(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        *,
        action: str,
        question: str,
        detail: str,
        answer: str,
    ) -> HttpResponse | None:
        """A page that asks before an action that cannot be undone; None once it was answered with yes."""
        if request.POST.get("confirmed") == "yes":
            return None
        count, shown = rows.count(), list(rows[:MOST_ROWS_NAMED])
        context = {
            **self.admin_site.each_context(request),
            "title": answer,
            "question": question,
            "detail": detail,
            "answer": answer,
            "action": action,
            "rows": shown,
            "count": count,
            "more": count - len(shown),
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "select_across": request.POST.get("select_across", "0"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/confirm_action.html", context)


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
