"""Every WebSocket route. Whoever may look at the project listens; nothing is changed through them."""

SOCKETS: dict[str, str] = {
    "ws/executions/<uuid:subject_id>/": "execution",
    "ws/projects/<uuid:subject_id>/": "project",
}
"""Route text -> the field of `Tenant` with its subject."""
