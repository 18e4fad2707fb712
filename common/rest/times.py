"""How times are written in answers."""

from datetime import datetime
from typing import overload


@overload
def timestamp(moment: datetime) -> str: ...
@overload
def timestamp(moment: None) -> None: ...
@overload
def timestamp(moment: datetime | None) -> str | None: ...
def timestamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with microseconds and `Z`."""
    # Several times as fast as `strftime`; answers may hold thousands.
    return None if moment is None else moment.isoformat(timespec="microseconds")[:26] + "Z"
