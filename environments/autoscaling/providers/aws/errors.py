"""What EC2 refuses, in words that say what to do. Its codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from common.crypto import SecretUnreadable
from environments.autoscaling.providers.base import ErrorKind, ProviderError

_ACTION = re.compile(r"perform(?: the)?:? ([a-z0-9-]+:[A-Za-z]+)")
_LONGEST = 300

_KINDS: dict[ErrorKind, tuple[str, frozenset[str]]] = {
    ErrorKind.QUOTA: (
        "Amazon's quota of the account is used up. Ask for a higher one in Service Quotas, or set a lower maximum.",
        frozenset({
            "VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded", "SpotInstanceCountExceeded",
            "MaxSpotFleetRequestCountExceeded", "VolumeLimitExceeded", "MaxIOPSLimitExceeded", "AddressLimitExceeded",
            "NetworkInterfaceLimitExceeded", "ResourceLimitExceeded",
        }),
    ),
    ErrorKind.CAPACITY: (
        "Amazon has no such machine to give now. It is tried again; more subnets in other zones or more instance types help.",
        frozenset({
            "InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientCapacity", "SpotMaxPriceTooLow",
            "InsufficientReservedInstanceCapacity", "UnfulfillableCapacity", "InsufficientVolumeCapacity",
            "InsufficientCapacityOnOutpost", "InsufficientFreeAddressesInSubnet",
        }),
    ),
    ErrorKind.CREDENTIALS: (
        "Look at the access keys or the role of the environment, and at the policy on its page.",
        frozenset({
            "AuthFailure", "UnauthorizedOperation", "Blocked", "ExpiredToken", "ExpiredTokenException", "RequestExpired",
            "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AccessDenied",
            "AccessDeniedException", "OptInRequired", "PendingVerification", "InvalidAccessKeyId", "MissingAuthenticationToken",
            "IncompleteSignature", "InvalidSignatureException", "AccountProblem",
        }),
    ),
    ErrorKind.LATER: (
        "Amazon asks for patience. It is tried again.",
        frozenset({
            "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
            "TooManyRequestsException", "RequestThrottledException", "BandwidthLimitExceeded", "EC2ThrottledException",
            "Unavailable", "InternalError", "InternalFailure", "ServiceUnavailable", "Server.InternalError",
            "IdempotentParameterMismatch", "ConcurrentCreateFleetRequest", "RequestTimeout",
        }),
    ),
    ErrorKind.TEMPLATE: (
        "The machine template names something that is not there, or does not fit together. Mend it on the environment's page.",
        frozenset({
            "InvalidSubnetID.NotFound", "InvalidSubnet", "InvalidSubnetID.Malformed", "InvalidAMIID.NotFound",
            "InvalidAMIID.Unavailable", "InvalidAMIID.Malformed", "InvalidGroup.NotFound", "InvalidGroupId.Malformed",
            "InvalidSecurityGroupID.NotFound", "InvalidSecurity.RequestHasExpired", "InvalidKeyPair.NotFound",
            "InvalidParameter", "InvalidParameterValue", "InvalidParameterCombination", "MissingParameter",
            "InvalidBlockDeviceMapping", "InvalidSnapshot.NotFound", "Unsupported", "UnsupportedOperation",
            "InvalidInstanceType", "InvalidInput", "InvalidVpcID.NotFound", "ParameterNotFound", "InvalidRequest",
            "InvalidIamInstanceProfile.NotFound", "InvalidIamInstanceProfileArn.Malformed", "InvalidUserData.Malformed",
        }),
    ),
}  # fmt: skip

NEXT_PLACE = frozenset({"Unsupported", "InvalidSubnetID.NotFound"})
"""What another subnet or machine type may not suffer from, besides missing capacity."""


def refusal(code: str, message: str) -> ProviderError:
    kind, remedy = _judged(code)
    if kind is ErrorKind.CREDENTIALS:
        # The rest of such a message names accounts and users: it is for the operators' log, not for who waits.
        action = _ACTION.search(message)
        may = f" ({action[1]} is not allowed)" if action else ""
        return AwsRefusal(f"Amazon refuses the environment's credentials: {code}{may}. {remedy}", kind, code)
    said = message.strip()[:_LONGEST].rstrip(".")
    return AwsRefusal(f"Amazon says: {said} ({code}). {remedy}".rstrip(), kind, code)


class AwsRefusal(ProviderError):
    def __init__(self, message: str, kind: ErrorKind, code: str = "") -> None:
        super().__init__(message, kind)
        self.code = code


def may_try_next_place(error: ProviderError) -> bool:
    return error.kind is ErrorKind.CAPACITY or getattr(error, "code", "") in NEXT_PLACE


def code_of(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def in_words() -> Iterator[None]:
    """What the SDK raises within becomes a `ProviderError`."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        ParamValidationError,
        PartialCredentialsError,
    )

    try:
        yield
    except ClientError as error:
        message = str(error.response.get("Error", {}).get("Message", ""))
        raise refusal(code_of(error), message) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise ProviderError(
            "The installation has no credentials of its own at Amazon: give its host a role, or the environment access keys.",
            ErrorKind.CREDENTIALS,
        ) from error
    except SecretUnreadable as error:
        raise ProviderError(error.message, ErrorKind.CREDENTIALS) from error
    except ParamValidationError as error:
        raise ProviderError(
            f"Amazon's library refuses what the machine template says: {str(error)[:_LONGEST]}",
            ErrorKind.TEMPLATE,
        ) from error
    except BotoCoreError as error:
        # The request may have arrived.
        raise ProviderError(
            f"Amazon does not answer ({type(error).__name__}). It is tried again.", ErrorKind.LATER
        ) from error


def _judged(code: str) -> tuple[ErrorKind, str]:
    for kind, (remedy, codes) in _KINDS.items():
        if code in codes:
            return kind, remedy
    if code.startswith("Invalid"):
        return ErrorKind.TEMPLATE, _KINDS[ErrorKind.TEMPLATE][0]
    return ErrorKind.OTHER, ""
