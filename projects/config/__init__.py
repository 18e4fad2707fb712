"""valohai.yaml: read by the official parser, with the line and the reason of what is wrong."""

from projects.config.reading import parse_source
from projects.config.steps import get_step, parsed

__all__ = ["get_step", "parse_source", "parsed"]
