"""The scheduler asks every minute for logs that are not sealed yet. The statuses of two constraints get a stable order."""

from django.conf import settings
from django.db import migrations, models

FINAL = ["complete", "crashed", "error", "stopped"]


class Migration(migrations.Migration):
    dependencies = [
        ("environments", "0001_initial"),
        ("executions", "0001_initial"),
        ("projects", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="execution", name="execution_final_has_end"),
        migrations.RemoveConstraint(model_name="execution", name="execution_open_has_no_end"),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", FINAL), _negated=True),
                    ("ended_at__isnull", False),
                    _connector="OR",
                ),
                name="execution_final_has_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", FINAL), ("ended_at__isnull", True), _connector="OR"),
                name="execution_open_has_no_end",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False), ("log_sealed_at__isnull", True)),
                fields=["ended_at"],
                name="execution_unsealed",
            ),
        ),
    ]
