"""Routes of agents, below /api/agent/v1/. Frozen with the protocol: agents in the field use them."""

from django.urls import URLPattern, URLResolver, path

from environments.enrolment.api import agent

urlpatterns: list[URLPattern | URLResolver] = [
    path("enrol", agent.EnrolView.as_view(), name="agent-enrol"),
    path("worker/hello", agent.HelloView.as_view(), name="agent-worker-hello"),
    path("worker/bye", agent.ByeView.as_view(), name="agent-worker-bye"),
    path("worker/probe", agent.ProbeView.as_view(), name="agent-worker-probe"),
]
