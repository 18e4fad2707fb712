"""Celery tasks that belong to no app."""

from smtplib import SMTPException

from celery import Task, shared_task
from django.core.mail import send_mail

LATER_SECONDS = (10, 60, 300, 1800)


@shared_task(bind=True, max_retries=len(LATER_SECONDS))
def deliver_mail(task: Task, to: str, subject: str, body: str) -> None:
    """Give a letter to the mail server; try again for half an hour while that fails."""
    try:
        send_mail(subject, body, from_email=None, recipient_list=[to])
    except (SMTPException, OSError) as error:
        later = LATER_SECONDS[min(task.request.retries, len(LATER_SECONDS) - 1)]
        raise task.retry(exc=error, countdown=later) from error
