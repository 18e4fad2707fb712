"""A browser that a token has signed in is signed out with it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_known_email_addresses")]

    operations = [
        migrations.AddField(
            model_name="usersession",
            name="token",
            field=models.ForeignKey(
                blank=True, help_text="has signed the browser in by a login link", null=True,
                on_delete=django.db.models.deletion.CASCADE, related_name="user_sessions", to="accounts.apitoken",
            ),
        ),
    ]  # fmt: skip
