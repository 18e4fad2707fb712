"""Numbers that meant nothing, before the database refuses them: what was below zero is zero, a maximum is no minimum."""

from django.db import migrations
from django.db.models import F
from django.db.models.functions import Greatest

NUMBERS = (
    "per_hour_price_usd", "per_user_queue_quota", "max_running", "log_lines_per_second", "scale_min",
    "scale_down_grace_period",
)


def make_sense(apps, schema_editor):
    Environment = apps.get_model("environments", "Environment")
    for name in NUMBERS:
        Environment.objects.filter(**{f"{name}__lt": 0}).update(**{name: 0})
    Environment.objects.filter(scale_max__lt=F("scale_min")).update(scale_max=Greatest(F("scale_min"), 0))


class Migration(migrations.Migration):
    dependencies = [("environments", "0002_team_places_and_registries")]

    operations = [migrations.RunPython(make_sense, migrations.RunPython.noop)]
