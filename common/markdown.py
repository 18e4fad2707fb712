"""Markdown as markup that a page can show, whoever wrote it."""

from collections.abc import Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

MOST_CHARACTERS = 64 * 1024
"""Of one text; longer ones are not rendered, because that takes a while."""
# What Markdown itself makes, and no more: no pictures, which tell another server who looks, no forms, no styles, no ids.
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = ("http", "https", "mailto")


def rendered(text: str) -> str | None:
    """Safe HTML; None for a text that is too long. Markup in the text is shown as text, of a picture its description.

    The parser escapes what it does not make itself; the sanitizer looks at the result again, so that a mistake of one of them
    is none of the page.
    """
    if len(text) > MOST_CHARACTERS:
        return None
    markup: str = _parser().render(text)
    return nh3.clean(
        markup,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes=set(_SCHEMES),
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """A path without a host would lead to a page of this installation, and the text is somebody else's."""
    is_link = attribute == "href"
    return value if not is_link or value.lower().startswith(tuple(f"{name}:" for name in _SCHEMES)) else None


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _description)
    return parser


def _description(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    text = renderer.renderInlineAsText(tokens[index].children, options, env)
    return f"<em>[picture: {escapeHtml(text)}]</em>" if text else "<em>[picture]</em>"
