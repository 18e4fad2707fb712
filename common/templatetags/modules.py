"""Lets a browser fetch all modules of a page at once, instead of finding them import by import."""

import re
from functools import lru_cache
from pathlib import Path
from posixpath import dirname, join, normpath

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_IMPORT = re.compile(r"""^(?:import|export)\b[^'"();]*?["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)


@register.simple_tag
def module_preloads(entry: str) -> SafeString:
    """A `modulepreload` link for every module that `entry` imports, directly or not."""
    names = modules_of(entry) if settings.DEBUG else _remembered_modules(entry)
    return format_html_join("\n", '<link rel="modulepreload" href="{}">', ((static(name),) for name in names))


def modules_of(entry: str) -> tuple[str, ...]:
    """Names of the static files that `entry` imports, nearest first."""
    found = [entry]
    for name in found:
        path = finders.find(name)
        source = Path(path).read_text() if path else ""
        imported = (normpath(join(dirname(name), target)) for target in _IMPORT.findall(source))
        found += [other for other in imported if other not in found]
    return tuple(found[1:])


_remembered_modules = lru_cache(modules_of)
