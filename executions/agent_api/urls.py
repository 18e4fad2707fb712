"""Routes of the workers' API, below /api/agent/v1/. Frozen with the protocol: agents in the field use them."""

from django.urls import URLPattern, URLResolver, path

from executions.agent_api import views

JOB = "jobs/<uuid:execution_id>/<int:epoch>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(f"{JOB}/claim", views.ClaimView.as_view(), name="agent-claim"),
    path(f"{JOB}/placement", views.PlacementView.as_view(), name="agent-placement"),
    path(f"{JOB}/placement/report", views.PlacementReportView.as_view(), name="agent-placement-report"),
    path(f"{JOB}/cursor", views.CursorView.as_view(), name="agent-cursor"),
    path(f"{JOB}/uploads", views.UploadsView.as_view(), name="agent-uploads"),
    path(f"{JOB}/uploads/renew", views.RenewUploadView.as_view(), name="agent-upload-renew"),
    path(f"{JOB}/uploads/finish", views.FinishUploadView.as_view(), name="agent-upload-finish"),
    path(f"{JOB}/inputs", views.InputsView.as_view(), name="agent-inputs"),
    path(f"{JOB}/inputs/files", views.InputFilesView.as_view(), name="agent-input-files"),
    path(f"{JOB}/input-request", views.InputRequestView.as_view(), name="agent-input-request"),
    path(f"{JOB}/status-detail", views.StatusDetailView.as_view(), name="agent-status-detail"),
]
