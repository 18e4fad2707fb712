"""Files are found by what their execution is called, see `datastores.searching`."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from common.grams import may_contain
from executions.models import Execution


def executions_with(word: str, project_id: UUID | None, by_index: bool) -> QuerySet[Any, Any]:
    """The ids of those with the word in their title or as a tag."""
    tagged = Q(tags__contains=[word])
    found = Execution.objects.filter(Q(title__icontains=word) | tagged, deleted_at__isnull=True)
    if by_index:
        found = found.filter(may_contain("title", word) | tagged)
    if project_id:
        found = found.filter(project_id=project_id)
    return found.order_by().values_list("pk", flat=True)
