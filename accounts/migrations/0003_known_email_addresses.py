"""Addresses that accounts had before there was a table of them.

Only superusers could set one so far: they count as verified. Of accounts that share an address, it is proved for the oldest.
"""

from django.db import migrations

from common.ids import new_id

BATCH = 1000


def keep_addresses(apps, schema_editor):
    User = apps.get_model("accounts", "User")
    EmailAddress = apps.get_model("accounts", "EmailAddress")
    seen = set(EmailAddress.objects.filter(verified_at__isnull=False).values_list("email", flat=True))
    seen = {email.lower() for email in seen}
    users = User.objects.exclude(email="").filter(email_addresses__isnull=True).order_by("pk")
    rows = []
    for user in users.iterator(BATCH):
        taken = user.email.lower() in seen
        seen.add(user.email.lower())
        rows.append(
            EmailAddress(
                id=new_id(), user=user, email=user.email, is_primary=True,
                verified_at=None if taken else user.created_at,
            )
        )  # fmt: skip
    EmailAddress.objects.bulk_create(rows, BATCH)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_proofs_of_identity")]

    operations = [migrations.RunPython(keep_addresses, migrations.RunPython.noop)]
