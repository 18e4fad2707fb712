"""Pages and counts over many projects take one look into an index per project. Indexes are built while others write."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("executions", "0004_quota_team")]

    operations = [
        AddIndexConcurrently(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=["project", "status", "-counter"],
                name="execution_living_by_status",
            ),
        ),
        RemoveIndexConcurrently(model_name="execution", name="execution_list_by_status"),
        AddIndexConcurrently(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", True)),
                fields=["project", "-id"],
                name="execution_newest",
            ),
        ),
        AddIndexConcurrently(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("quota_team__isnull", False)),
                fields=["quota_team"],
                name="execution_of_quota_team",
            ),
        ),
    ]
