"""Chunks know how many status lines they hold, so that these are found without reading the whole log."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0002_index_of_unsealed_logs")]

    operations = [
        migrations.AddField(
            model_name="logchunk",
            name="status_line_count",
            field=models.IntegerField(
                default=0, help_text="so that status lines are found without reading all"
            ),
        ),
    ]
