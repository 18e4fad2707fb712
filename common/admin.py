"""Bases of the administration pages: safe by default, quick on large tables, and secrets go in but never come out."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from common.crypto import EncryptedTextField
from common.errors import DomainError

LARGE_TABLE_ROWS = 100_000
MOST_ROWS_NAMED = 20
KEEP = "Leave blank to keep what is stored."


class EstimatingPaginator(Paginator):  # type: ignore[type-arg]
    """Does not count a large table to number its pages: PostgreSQL's own estimate is near enough."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet) and not rows.query.where:
            estimate = _estimated_rows(rows.model)
            if estimate >= LARGE_TABLE_ROWS:
                return estimate
        return super().count


def _estimated_rows(model: type[models.Model]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        return int(cursor.fetchone()[0])


class SecretInput(forms.PasswordInput):
    """Shows nothing of what is stored."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password"}, render_value=False)


class SecretTextarea(forms.Textarea):
    """For secrets of several lines; shows nothing of what is stored."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, "", {**(attrs or {}), "autocomplete": "off", "spellcheck": "false"})


class SecretField(forms.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "required": False, "strip": False, "help_text": KEEP})

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)


class SecretsKeptForm(forms.ModelForm):  # type: ignore[type-arg]
    """A blank secret means "as it is"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self._secrets():
            self.initial.pop(name, None)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in self._secrets():
            if not cleaned.get(name):
                # A field that is not in the cleaned data is not written to the instance.
                cleaned.pop(name, None)
        return cleaned

    def _secrets(self) -> list[str]:
        return [name for name, field in self.fields.items() if isinstance(field, SecretField)]


class PlatformAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Nothing is deleted here unless a subclass says so: a deletion takes everything with it that points to the row."""

    form: type[forms.ModelForm] = SecretsKeptForm  # type: ignore[type-arg]
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_per_page = 100
    multiline_secrets: tuple[str, ...] = ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

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


class ReadOnlyAdmin(PlatformAdmin):
    """Rows that the platform itself writes: to look at, not to edit. Actions still work."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The site lets in superusers only; without the right to change, Django asks here.
        return True


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
