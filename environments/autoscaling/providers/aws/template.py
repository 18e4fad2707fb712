"""What an environment's machines on EC2 are like: its machine template, read and checked. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from environments.autoscaling.providers.reading import Reader

KEYS, INSTALLATION = "keys", "installation"
VOLUME_TYPES = ("gp3", "gp2", "io1", "io2", "st1", "sc1", "standard")
MOST_TAGS = 40
LONGEST_USER_DATA = 8 * 1024
"""Of the template's part: EC2 takes 16 KiB in all."""

HELP = (
    "region, subnets, security_groups, instance_types and image are what is needed; disk, key_name, instance_profile, spot, "
    "spot_max_price, tags, user_data, role_arn, external_id, metadata_hop_limit, prices and credentials may be there. "
    'Such as {"region": "eu-west-1", "subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"], '
    '"instance_types": ["g5.xlarge"], "image": "ami-0123456789abcdef0"}.'
)

_ARN = r"arn:aws[a-z-]*:iam::\d{12}:"
_ID = r"-(?:[0-9a-f]{8}|[0-9a-f]{17})"


@dataclass(frozen=True)
class Disk:
    size_gb: int
    volume_type: str
    encrypted: bool
    kms_key: str
    device: str
    """The image's root device; empty: the image says which."""


@dataclass(frozen=True)
class AwsTemplate:
    region: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    instance_types: tuple[str, ...]
    image: str
    disk: Disk
    key_name: str
    instance_profile: str
    spot: bool
    spot_max_price: Decimal | None
    tags: Mapping[str, str]
    user_data: str
    role_arn: str
    external_id: str
    metadata_hop_limit: int
    prices: Mapping[str, Decimal]
    credentials: str

    @property
    def image_parameter(self) -> str:
        """The name of the parameter of Systems Manager that says which image; empty: the template does."""
        return "" if self.image.startswith("ami-") else self.image.removeprefix("ssm:")

    @property
    def profile(self) -> dict[str, str]:
        """As requests name it."""
        if not self.instance_profile:
            return {}
        return {"Arn" if self.instance_profile.startswith("arn:") else "Name": self.instance_profile}


def faults_in(template: Mapping[str, Any]) -> Sequence[str]:
    return _read(template)[1]


def parse(template: Mapping[str, Any]) -> AwsTemplate:
    """Raises ValueError with all faults."""
    read, faults = _read(template)
    if faults:
        raise ValueError(" ".join(faults))
    return read


def _read(template: Mapping[str, Any]) -> tuple[AwsTemplate, Sequence[str]]:
    reader = Reader(template)
    profile = reader.text("instance_profile", rf"(?:{_ARN}instance-profile/)?[\w+=,.@/-]+", "ml-worker")
    read = AwsTemplate(
        region=reader.text("region", r"[a-z]{2}(?:-[a-z]+)+-\d", "eu-west-1", needed=True),
        subnets=reader.texts("subnets", f"subnet{_ID}", "subnet-0123456789abcdef0", needed=True, most=16),
        security_groups=reader.texts(
            "security_groups", f"sg{_ID}", "sg-0123456789abcdef0", needed=True, most=16
        ),
        instance_types=reader.texts(
            "instance_types", r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "g5.xlarge", needed=True, most=10
        ),
        image=reader.text(
            "image", rf"ami{_ID}|(?:ssm:)?/[A-Za-z0-9_./-]+", "ami-0123456789abcdef0 or ssm:/acme/worker-image",
            needed=True,
        ),
        disk=_disk(reader.part("disk")),
        key_name=reader.text("key_name", r"[\x20-\x7e]+", "operators"),
        instance_profile=profile,
        spot=reader.flag("spot", default=False),
        spot_max_price=reader.price("spot_max_price"),
        tags=_tags(reader),
        user_data=reader.text("user_data", longest=LONGEST_USER_DATA),
        role_arn=reader.text("role_arn", rf"{_ARN}role/[\w+=,.@/-]+", "arn:aws:iam::123456789012:role/scaler"),
        external_id=reader.text("external_id", r"[\w+=,.@:/-]{2,255}", "a text of 2 characters at least"),
        # Containers are one hop further away: with a profile, jobs are meant to reach it.
        metadata_hop_limit=reader.whole("metadata_hop_limit", 1, 64, default=2 if profile else 1),
        prices=reader.prices("prices"),
        credentials=reader.choice("credentials", (KEYS, INSTALLATION)),
    )  # fmt: skip
    if read.spot_max_price is not None and not read.spot:
        reader.say("The setting 'spot_max_price' is for spot machines: add \"spot\": true, or leave it out.")
    if read.external_id and not read.role_arn:
        reader.say("The setting 'external_id' goes with a 'role_arn'.")
    reader.end()
    return read, reader.faults


def _disk(reader: Reader) -> Disk:
    read = Disk(
        size_gb=reader.whole("size_gb", 8, 16384, default=100),
        volume_type=reader.choice("type", VOLUME_TYPES),
        encrypted=reader.flag("encrypted", default=True),
        kms_key=reader.text("kms_key", r"[\w:/-]+", "alias/workers"),
        device=reader.text("device", r"/dev/[a-z0-9]+", "/dev/sda1"),
    )
    if read.kms_key and not read.encrypted:
        reader.say("A disk with a 'kms_key' is encrypted: leave \"encrypted\" out.")
    reader.end()
    return read


def _tags(reader: Reader) -> dict[str, str]:
    found = reader.mapping("tags", r"[\w .:/=+@-]{1,128}", r"[\w .:/=+@-]{0,256}", most=MOST_TAGS)
    reserved = [name for name in found if name.lower().startswith(("aws:", "mlops:"))]
    if reserved:
        reader.say(
            f"The tag '{reserved[0]}' begins with a word that Amazon or the platform keeps for itself."
        )
    return found
