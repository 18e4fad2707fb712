"""Abstract bases of every model."""

from django.db import models

from common.ids import new_id


class IdentifiedModel(models.Model):
    """A row with a time-ordered id (see `common.ids.new_id`) and creation and change times."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
