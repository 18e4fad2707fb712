"""Celery tasks of the audit log; the scheduler hands them over every hour."""

from celery import shared_task

from audit import retention


@shared_task
def remove_expired_events() -> None:
    retention.remove_expired()
