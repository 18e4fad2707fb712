"""Machines on Amazon EC2. docs/operations/aws.md says how it is set up."""

from environments.autoscaling.providers.aws.provider import AwsProvider

__all__ = ["AwsProvider"]
