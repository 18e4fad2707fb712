"""The one format of the server's own logs: a JSON object a line, with whatever `extra` the caller gave."""

import structlog
from structlog.typing import EventDict, WrappedLogger


def without_arguments(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Celery tells what each task was called with; some arguments are letters with secret links in them."""
    data = event.get("data")
    if str(event.get("logger", "")).startswith("celery") and isinstance(data, dict):
        event["data"] = {name: value for name, value in data.items() if name not in {"args", "kwargs"}}
    return event


class JsonFormatter(structlog.stdlib.ProcessorFormatter):
    def __init__(self) -> None:
        super().__init__(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                without_arguments,
            ],
        )
