"""Whether an object of a store is a file already takes one look. The index is built while others write."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("datastores", "0005_uploads_in_parts_and_adoption")]

    operations = [
        AddIndexConcurrently(
            model_name="datum", index=models.Index(fields=["store", "key"], name="datum_of_object")
        ),
    ]
