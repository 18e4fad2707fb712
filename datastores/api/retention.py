"""Rules of retention in the public API: made, tried, looked at, enabled."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.current import user_of
from common.rest.times import timestamp
from datastores.api.serializers import DatumSerializer
from datastores.models import DataStore, Datum, RetentionRule
from datastores.retention import selectors, services
from datastores.retention.errors import RuleRefused
from datastores.selectors import with_shared_related
from projects.models import Project
from projects.selectors import get_project


class RuleRequestSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=services.LONGEST_NAME)
    store = serializers.UUIDField(allow_null=True, required=False, help_text="Null: files in every store.")
    min_age_days = serializers.IntegerField(
        min_value=1, max_value=services.MOST_DAYS, help_text="Younger files stay."
    )
    tag = serializers.CharField(allow_blank=True, required=False, help_text="Only files with the tag.")
    name_pattern = serializers.CharField(
        allow_blank=True,
        required=False,
        help_text="Only files of such a name: `*` within a folder, `**` anything.",
    )
    only_unused = serializers.BooleanField(
        required=False, help_text="Files that anything ever used stay. Default: true."
    )


class RuleSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    project = serializers.UUIDField(source="project_id")
    name = serializers.CharField()
    store = serializers.UUIDField(source="store_id", allow_null=True)
    min_age_days = serializers.IntegerField()
    tag = serializers.CharField()
    name_pattern = serializers.CharField()
    only_unused = serializers.BooleanField()
    enabled = serializers.SerializerMethodField()
    dry_run = serializers.SerializerMethodField(
        help_text="The latest one, null when there is none of the rule as it is."
    )
    last_run = serializers.DateTimeField(source="last_run_at", allow_null=True)
    purged_count = serializers.IntegerField()
    purged_bytes = serializers.IntegerField()

    def get_enabled(self, rule: RetentionRule) -> bool:
        return rule.enabled_at is not None

    def get_dry_run(self, rule: RetentionRule) -> dict[str, Any] | None:
        if rule.tried_at is None:
            return None
        return {"time": timestamp(rule.tried_at), "files": rule.tried_count, "size": rule.tried_bytes}


class RuleListView(APIView):
    @extend_schema(operation_id="retention_rules_list", responses=RuleSerializer(many=True))
    def get(self, request: Request, project_id: UUID) -> Response:
        rules = selectors.rules_of(user_of(request), get_project(user_of(request), project_id))
        return Response(RuleSerializer(rules, many=True).data)

    @extend_schema(
        operation_id="retention_rules_create", request=RuleRequestSerializer, responses={201: RuleSerializer}
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        """A new rule does nothing until it was tried and enabled."""
        project = get_project(user_of(request), project_id)
        selectors.rules_of(user_of(request), project)
        fields = _fields(request, project, partial=False)
        rule = services.create_rule(project=project, actor=user_of(request), **fields)
        return Response(RuleSerializer(rule).data, status=201)


class RuleDetailView(APIView):
    @extend_schema(operation_id="retention_rules_retrieve", responses=RuleSerializer)
    def get(self, request: Request, rule_id: UUID) -> Response:
        return Response(RuleSerializer(selectors.get_rule(user_of(request), rule_id)).data)

    @extend_schema(
        operation_id="retention_rules_update", request=RuleRequestSerializer, responses=RuleSerializer
    )
    def put(self, request: Request, rule_id: UUID) -> Response:
        """A rule that changed is off until it was tried again."""
        return self._change(request, rule_id, partial=False)

    @extend_schema(
        operation_id="retention_rules_partial_update",
        request=RuleRequestSerializer(partial=True),
        responses=RuleSerializer,
    )
    def patch(self, request: Request, rule_id: UUID) -> Response:
        return self._change(request, rule_id, partial=True)

    @extend_schema(operation_id="retention_rules_destroy", responses={204: None})
    def delete(self, request: Request, rule_id: UUID) -> Response:
        services.delete_rule(rule=selectors.get_rule(user_of(request), rule_id), actor=user_of(request))
        return Response(status=204)

    def _change(self, request: Request, rule_id: UUID, *, partial: bool) -> Response:
        rule = selectors.get_rule(user_of(request), rule_id)
        fields = _fields(request, rule.project, partial=partial)
        return Response(
            RuleSerializer(services.change_rule(rule=rule, actor=user_of(request), **fields)).data
        )


class RuleDryRunView(APIView):
    @extend_schema(operation_id="retention_rules_dry_run", request=None, responses=RuleSerializer)
    def post(self, request: Request, rule_id: UUID) -> Response:
        """Count what would go. Nothing is purged; `files/` lists them."""
        rule = selectors.get_rule(user_of(request), rule_id)
        return Response(RuleSerializer(services.try_rule(rule=rule, actor=user_of(request))).data)


class RuleFilesView(GenericAPIView[Datum]):
    """What the rule would purge now, oldest first."""

    serializer_class = DatumSerializer
    filter_backends = ()
    queryset = Datum.objects.none()

    @extend_schema(operation_id="retention_rules_files")
    def get(self, request: Request, rule_id: UUID) -> Response:
        rule = selectors.get_rule(user_of(request), rule_id)
        page = self.paginate_queryset(with_shared_related(selectors.doomed(rule))) or []
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class RuleEnableView(APIView):
    @extend_schema(operation_id="retention_rules_enable", request=None, responses=RuleSerializer)
    def post(self, request: Request, rule_id: UUID) -> Response:
        """From the next night on it purges. Needs a dry run of the rule as it is."""
        rule = selectors.get_rule(user_of(request), rule_id)
        return Response(RuleSerializer(services.enable_rule(rule=rule, actor=user_of(request))).data)


class RuleDisableView(APIView):
    @extend_schema(operation_id="retention_rules_disable", request=None, responses=RuleSerializer)
    def post(self, request: Request, rule_id: UUID) -> Response:
        rule = selectors.get_rule(user_of(request), rule_id)
        return Response(RuleSerializer(services.disable_rule(rule=rule, actor=user_of(request))).data)


def _fields(request: Request, project: Project, *, partial: bool) -> dict[str, Any]:
    body = RuleRequestSerializer(data=request.data, partial=partial)
    body.is_valid(raise_exception=True)
    fields: dict[str, Any] = body.validated_data
    if fields.get("store") is not None:
        fields["store"] = _store(project, fields["store"])
    return fields


def _store(project: Project, store_id: UUID) -> DataStore:
    store = selectors.stores_for_rules(project).filter(pk=store_id).first()
    if store is None:
        raise RuleRefused("store", "This project has no such data store.", "does_not_exist")
    return store
