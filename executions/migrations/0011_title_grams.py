"""Files are found by the title of their execution. The index is built while others write."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("executions", "0010_versions_and_addresses_of_earlier_executions"),
        ("datastores", "0010_data_browser"),  # makes the function
    ]

    operations = [
        AddIndexConcurrently(
            model_name="execution",
            index=GinIndex(
                models.Func(
                    models.F("title"), function="text_grams", output_field=ArrayField(models.TextField(), size=None)
                ),
                name="execution_title_grams",
            ),
        ),
    ]  # fmt: skip
