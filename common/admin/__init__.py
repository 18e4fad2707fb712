"""What the administration pages of every app build on."""

from common.admin.base import PlatformAdmin, as_uuid
from common.admin.tenancy import ADD, CHANGE, DELETE

__all__ = ["ADD", "CHANGE", "DELETE", "PlatformAdmin", "as_uuid"]
