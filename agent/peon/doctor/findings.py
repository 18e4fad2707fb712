"""What one look found."""

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"


class Finding:
    def __init__(self, level, name, text, remedy=""):
        self.level = level
        self.name = name
        self.text = text
        self.remedy = remedy
