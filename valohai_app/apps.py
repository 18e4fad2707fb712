from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Makes the installation's own commands and checks known to Django. There are no models here."""

    name = "valohai_app"

    def ready(self) -> None:
        from valohai_app import checks

        checks.register()
