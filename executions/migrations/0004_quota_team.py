"""The index is made by 0005, without locking the table."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0003_log_chunk_status_lines'),
        ('organizations', '0002_settings_and_invitations'),
    ]

    operations = [
        migrations.AddField(
            model_name='execution',
            name='quota_team',
            field=models.ForeignKey(blank=True, db_index=False, help_text='whose place in the environment it takes, see docs/quotas.md', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='organizations.team'),
        ),
    ]
