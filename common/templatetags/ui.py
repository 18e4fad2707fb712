"""What templates need to show statuses, times, sizes and icons the same way everywhere."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import clock

register = template.Library()

NOTHING = "\u2013"
ICON_SPRITE = "vendor/tabler-icons-3.51.0/icons.svg"

STATUS_ICONS = {
    "created": "hourglass",
    "queued": "clock",
    "started": "loader-2",
    "stopping": "loader-2",
    "complete": "circle-check",
    "error": "circle-x",
    "crashed": "alert-triangle",
    "stopped": "player-stop",
}


@register.simple_tag
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """An icon of the sprite. Without `label` it is decoration and hidden from assistive technology."""
    name_attributes = (
        format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    )
    return format_html(
        '<svg class="icon {}" {}><use href="{}#{}"></use></svg>',
        css,
        name_attributes,
        static(ICON_SPRITE),
        name,
    )


@register.simple_tag
def status_badge(status: str, detail: str = "") -> SafeString:
    """The badge of an execution's status; `detail` is the reason shown on hover and to screen readers."""
    status = str(status)
    spin = "icon-spin" if status in {"started", "stopping"} else ""
    return format_html(
        '<span class="run-status run-status-{}" data-status="{}"{}>{}{}</span>',
        status,
        status,
        format_html(' title="{}"', detail) if detail else "",
        icon(STATUS_ICONS.get(status, "circle-dot"), spin),
        status,
    )


@register.filter
def status_icon(status: str) -> str:
    return STATUS_ICONS.get(str(status), "circle-dot")


@register.simple_tag
def relative_time(moment: datetime | None, missing: str = NOTHING) -> SafeString | str:
    """ "5 minutes ago" with the exact time on hover; kept up to date in the browser, in the browser's time zone."""
    if moment is None:
        return missing
    return format_html(
        '<time datetime="{}" data-relative>{}</time>', moment.isoformat(), ago(clock.now() - moment)
    )


def ago(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    if abs(seconds) < 45:
        return "just now"
    for size, unit in (
        (86400 * 365, "year"),
        (86400 * 30, "month"),
        (86400, "day"),
        (3600, "hour"),
        (60, "minute"),
    ):
        count = round(abs(seconds) / size)
        if abs(seconds) >= size or unit == "minute":
            count = max(count, 1)
            text = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"{text} ago" if seconds > 0 else f"in {text}"
    return "just now"


@register.filter
def duration(seconds: float | timedelta | None) -> str:
    """`0.4 s`, `12 s`, `3m 05s`, `2h 07m`, `4d 03h`: two units are enough to compare rows."""
    if seconds is None:
        return NOTHING
    total = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if total < 10:
        return f"{max(total, 0):.1f} s"
    whole = int(total)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02d}h"


@register.simple_tag
def live_duration(started_at: datetime | None, ended_at: datetime | None) -> SafeString | str:
    """How long it took, or, while it runs, a counter that the browser keeps going."""
    if started_at is None:
        return NOTHING
    if ended_at is not None:
        return format_html('<span class="num">{}</span>', duration(ended_at - started_at))
    return format_html(
        '<span class="num" data-since="{}">{}</span>',
        started_at.isoformat(),
        duration(clock.now() - started_at),
    )


@register.filter
def metric(value: Any) -> str:
    """A metadata or parameter value for a table cell: numbers shortened to 5 significant digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, list):
        return ", ".join(metric(item) for item in value)
    return str(value)


@register.filter
def at(mapping: dict[str, Any], key: str) -> Any:
    """`mapping[key]` for a key that is only known at run time; None when it is not there."""
    return mapping.get(key) if isinstance(mapping, dict) else None
