"""Who sees and does what on an administration page.

Superusers of the installation see every row. A page may also serve *tenants*: people who are no superusers and manage some
rows of their own. What a page says about them in `tenant_rows` holds for everything on it: lists, counts, single rows,
histories, deletions, actions, the choices of forms and of filters. A row of somebody else is not there for them, and no
address, form or filter tells it from one that does not exist.
"""

from typing import Any

from django.contrib.admin import FieldListFilter, ModelAdmin, RelatedFieldListFilter
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import get_fields_from_path, unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Field, Q, QuerySet
from django.http import HttpRequest, HttpResponse

from common.crypto import EncryptedTextField

ADD, CHANGE, DELETE = "add", "change", "delete"
HISTORY_ROWS = 100


class TenantRelationFilter(RelatedFieldListFilter):
    """Offers only what a form of the page would offer: the names of others' rows are not shown in passing."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        return [(str(row.pk), str(row)) for row in model_admin.choices_for_tenants(request, field)]


class TenantAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Looking is all that is allowed here unless a page says more."""

    allows: tuple[str, ...] = ()
    """Which of ADD, CHANGE and DELETE superusers may do here."""
    allows_tenants: tuple[str, ...] | None = None
    """Which of them tenants may do with their rows; None: the same."""
    fixed_fields: tuple[str, ...] = ()
    """Chosen when the row is made and never changed."""
    superuser_fields: tuple[str, ...] = ()
    """Tenants see them and do not change them."""

    def tenant_rows(self, user: Any) -> Q | None:
        """The rows that `user`, who is no superuser, manages here. None: the page is for superusers only."""
        return None

    def tenant_choices(self, user: Any, field: str) -> Q | None:
        """What tenants may choose for a relation, as a filter on the related model. None: what its own page shows them."""
        return None

    # What is there

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if is_superuser(request) else rows.filter(self._tenant_rows(request))

    def _tenant_rows(self, request: HttpRequest) -> Q:
        rows = self.tenant_rows(request.user)
        return Q(pk__in=[]) if rows is None else rows

    # What may be done

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request) or self.tenant_rows(request.user) is not None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._allows(request, ADD)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._allows(request, CHANGE)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._allows(request, DELETE)

    def _allows(self, request: HttpRequest, what: str) -> bool:
        if is_superuser(request) or self.allows_tenants is None:
            return what in self.allows and self.has_view_permission(request)
        return what in self.allows_tenants and self.has_view_permission(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj is not None:
            fields += self.fixed_fields
        return fields if is_superuser(request) else fields + self.superuser_fields

    # What may be chosen

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any] | None:
        if is_superuser(request):
            return super().get_field_queryset(db, db_field, request)
        return self.choices_for_tenants(request, db_field)

    def choices_for_tenants(self, request: HttpRequest, db_field: Any) -> QuerySet[Any]:
        """In the order of the related model's page; nothing when neither this page nor that one says what."""
        rows: QuerySet[Any] = db_field.related_model._default_manager.all()
        related, chosen = self._page_of(db_field), self.tenant_choices(request.user, db_field.name)
        if chosen is not None:
            rows = rows.filter(chosen)
        else:
            rows = rows.filter(related._tenant_rows(request)) if related else rows.none()
        if related is None:
            return rows
        with_names = rows.select_related(*(related.list_select_related or ()))  # type: ignore[misc]
        return with_names.order_by(*related.get_ordering(request))

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """A search through the related model's page finds what that page shows, so that other choices become a list."""
        fields = super().get_autocomplete_fields(request)
        return tuple(name for name in fields if is_superuser(request) or self._is_searched(request, name))

    def _is_searched(self, request: HttpRequest, name: str) -> bool:
        related = self._page_of(self.opts.get_field(name))
        return (
            related is not None
            and related.has_view_permission(request)
            and self.tenant_choices(request.user, name) is None
        )

    def _page_of(self, db_field: Any) -> "TenantAdmin | None":
        try:
            page = self.admin_site.get_model_admin(db_field.related_model)
        except NotRegistered:
            return None
        return page if isinstance(page, TenantAdmin) else None

    # What may be filtered

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        filters = super().get_list_filter(request)
        return list(filters) if is_superuser(request) else [self._for_tenants(item) for item in filters]

    def _for_tenants(self, item: Any) -> Any:
        path = item[0] if isinstance(item, list | tuple) else item
        if not isinstance(path, str):
            return item
        field = get_fields_from_path(self.model, path)[-1]
        kind: type[FieldListFilter] = TenantRelationFilter
        return (path, kind) if field.is_relation else item

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """What a page does not show, an address cannot ask it for; tenants ask for columns of the row itself only."""
        field = self._column(lookup.split("__")[0])
        if isinstance(field, EncryptedTextField) or (field and field.name in (self.exclude or ())):
            return False
        tenant = request is None or not is_superuser(request)
        return not (tenant and field is None) and super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def _column(self, name: str) -> "Field[Any, Any] | None":
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return self.opts.pk if name == "pk" else None
        return field if isinstance(field, Field) else None

    # What is told of the past

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The site's own notes name whoever changed a row; tenants see theirs only, the audit log tells them the rest."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        own = extra_context or {}
        if not is_superuser(request):
            notes = LogEntry.objects.filter(
                user_id=request.user.pk,
                object_id=unquote(object_id),
                content_type=ContentType.objects.get_for_model(self.model),
            ).order_by("action_time")
            page = Paginator(notes, HISTORY_ROWS).get_page(request.GET.get("p"))
            pages = page.paginator.get_elided_page_range(page.number)
            own = {
                "action_list": page,
                "page_range": pages,
                "pagination_required": page.has_other_pages(),
                **own,
            }
        return super().history_view(request, object_id, own)


def is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))
