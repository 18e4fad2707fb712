"""Pages and counts over many projects take one look into an index per project. It is built while others write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("datastores", "0003_teams_of_stores")]

    operations = [
        AddIndexConcurrently(
            model_name="datum",
            index=models.Index(
                condition=models.Q(("stored_at__isnull", False)),
                fields=["project", "-id"],
                name="datum_newest",
            ),
        ),
    ]
