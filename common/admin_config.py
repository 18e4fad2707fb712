"""Which administration site Django's admin application serves. No models are loaded here."""

from django.contrib.admin.apps import AdminConfig


class PlatformAdminConfig(AdminConfig):
    default_site = "common.admin_site.PlatformSite"
