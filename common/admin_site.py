"""The administration site: one login page and one password page for all, so that neither is here a second time."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from common.errors import DomainError
from common.web.pages import error_response

admits: list[Callable[[Any], bool]] = []
"""Higher apps append who is let in besides superusers. What such a user sees then, each page says: see
`common.admin.tenancy`."""

# Passwords have a page of their own. No row has an address outside this site, and the view that looks for one would tell which
# ids exist.
_LEFT_OUT = frozenset({"password_change", "password_change_done", "view_on_site"})


class NotAdministrator(DomainError):
    code = "forbidden"
    http_status = 403

    def __init__(self) -> None:
        super().__init__(
            "The administration site serves owners of an organization and superusers of this installation. "
            "Ask an owner of your organization to change something here, or to make you an owner."
        )


def may_administer(user: Any) -> bool:
    """Whether the site serves `user` at all."""
    if not user.is_active:
        return False
    return bool(user.is_superuser) or any(admitted(user) for admitted in admits)


class PlatformSite(AdminSite):
    site_header = f"{settings.PLATFORM_LONG_NAME}: administration"
    site_title = "Administration"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        return may_administer(request.user)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        title = "This installation" if getattr(request.user, "is_superuser", False) else "What you administer"
        return super().index(request, {"title": title, **(extra_context or {})})

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The site has no login form of its own: guesses would not be slowed down there."""
        if request.user.is_authenticated and not self.has_permission(request):
            return error_response(request, NotAdministrator())
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def logout(  # type: ignore[override]  # there is no page to show
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """As everywhere else; the same form is sent on."""
        return HttpResponseRedirect(reverse("logout"), preserve_request=True)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [url for url in super().get_urls() if getattr(url, "name", None) not in _LEFT_OUT]
