"""How machines look in templates."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.templatetags.ui import icon

register = template.Library()

STATES = {
    "requested": ("created", "hourglass"),
    "starting": ("queued", "loader-2"),
    "idle": ("complete", "circle-check"),
    "busy": ("started", "cpu"),
    "cordoned": ("stopped", "player-pause"),
    "draining": ("stopping", "arrow-bar-down"),
    "terminating": ("stopping", "loader-2"),
    "gone": ("stopped", "check"),
    "failed": ("error", "circle-x"),
    "lost": ("crashed", "alert-triangle"),
}
"""State of a machine -> the status of executions whose colours it has, and its icon."""


@register.simple_tag
def machine_badge(state: str, number: int | None = None) -> SafeString:
    """`number`: how many machines are in that state."""
    colours, symbol = STATES.get(state, ("created", "circle-dot"))
    text = state if number is None else f"{number} {state}"
    return format_html('<span class="run-status run-status-{}">{}{}</span>', colours, icon(symbol), text)


@register.filter
def percent(share: Any) -> str:
    """0.25 is 25 %; nothing for what is no number."""
    return f"{share * 100:.0f} %" if isinstance(share, int | float) else ""


@register.filter
def gigabytes(kilobytes: Any) -> str:
    return f"{kilobytes / 1e6:.1f}" if isinstance(kilobytes, int | float) else ""


@register.filter
def dollars(amount: Any) -> str:
    """Cents, and more where it is less than one."""
    if not amount:
        return "$0"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}".rstrip("0").rstrip(".")
