"""Which kinds of events there are, and the newest of one kind, without reading every row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_rows_stay")]

    operations = [
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["kind", "-created_at"], name="audit_of_kind"),
        ),
    ]
