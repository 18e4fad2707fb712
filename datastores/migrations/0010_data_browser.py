"""Files are found by parts of their names, their size and the number of their execution at any number of files.
The indexes are built while others write."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

# Of a text in capitals every character, pair and triple of characters; of a part what every text that holds it has among them.
FUNCTIONS = """
    CREATE OR REPLACE FUNCTION text_grams(whole text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
    DECLARE
        capitals text := upper(whole);
        grams text[] := '{}';
    BEGIN
        FOR place IN 1 .. length(capitals) LOOP
            grams[3 * place - 2] := substr(capitals, place, 1);
            grams[3 * place - 1] := substr(capitals, place, 2);
            grams[3 * place] := substr(capitals, place, 3);
        END LOOP;
        RETURN grams;
    END
    $$;
    CREATE OR REPLACE FUNCTION text_grams_of_part(part text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT coalesce(array_agg(DISTINCT substr(upper(part), place, 3)), '{}')
        FROM generate_series(1, greatest(1, length(upper(part)) - 2)) place
    $$;
"""
STORED = models.Q(("stored_at__isnull", False))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("datastores", "0009_adoptions")]

    operations = [
        migrations.RunSQL(FUNCTIONS, "DROP FUNCTION text_grams(text); DROP FUNCTION text_grams_of_part(text)"),
        AddIndexConcurrently(
            model_name="datum",
            index=models.Index(
                fields=["project", "-created_at", "-id"], include=["purged_at"], condition=STORED, name="datum_listed"
            ),
        ),
        RemoveIndexConcurrently(model_name="datum", name="datum_newest_in_project"),
        AddIndexConcurrently(
            model_name="datum",
            index=models.Index(
                fields=["project", "-created_at", "-id"],
                condition=models.Q(("output_execution_id__isnull", True), ("stored_at__isnull", False)),
                name="datum_uploaded",
            ),
        ),
        AddIndexConcurrently(
            model_name="datum",
            index=models.Index(fields=["project", "size_bytes"], condition=STORED, name="datum_size_in_project"),
        ),
        AddIndexConcurrently(
            model_name="datum",
            index=models.Index(
                fields=["output_execution_counter", "project"],
                condition=models.Q(("output_execution_counter__isnull", False)),
                name="datum_of_execution_number",
            ),
        ),
        AddIndexConcurrently(
            model_name="datum",
            index=GinIndex(
                models.Func(
                    models.F("name"), function="text_grams", output_field=ArrayField(models.TextField(), size=None)
                ),
                name="datum_name_grams",
            ),
        ),
    ]  # fmt: skip
