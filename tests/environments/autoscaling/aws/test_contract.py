"""EC2 as a provider like any other."""

from typing import Any

import pytest

from environments.autoscaling.providers.aws import AwsProvider
from environments.autoscaling.providers.base import CloudProvider, Place, Provider
from tests.environments.autoscaling.provider_contract import ProviderContract


class TestAwsProvider(ProviderContract):
    wrong_templates = {
        "'region' is missing": {"region": ""},
        "'region' does not look like one": {"region": "http://169.254.169.254/"},
        "'subnets' is missing": {"subnets": []},
        "'subnets' has 'eu-west-1a'": {"subnets": ["eu-west-1a"]},
        "'subnets' names something twice": {"subnets": ["subnet-01234567", "subnet-01234567"]},
        "'subnets' is a list": {"subnets": "subnet-01234567"},
        "'security_groups' has '7', which is not a text": {"security_groups": [7]},
        "'instance_types' has 'large'": {"instance_types": ["large"]},
        "'image' does not look like one": {"image": "ubuntu"},
        "'disk.size_gb' is a whole number between 8 and 16384": {"disk": {"size_gb": 1}},
        "'disk.type' is one of": {"disk": {"type": "floppy"}},
        "no setting 'disk.size'": {"disk": {"size": 100}},
        "'disk' is an object": {"disk": 100},
        'leave "encrypted" out': {"disk": {"kms_key": "alias/workers", "encrypted": False}},
        "'spot' is true or false": {"spot": "yes"},
        "'spot_max_price' is a number above 0": {"spot": True, "spot_max_price": -1},
        "'spot_max_price' is for spot": {"spot_max_price": 0.5},
        "'role_arn' does not look like one": {"role_arn": "admin"},
        "'external_id' goes with": {"external_id": "acme-1"},
        "'aws:owner' begins with a word": {"tags": {"aws:owner": "acme"}},
        "'MLOPS:Machine' begins with a word": {"tags": {"MLOPS:Machine": "other"}},
        "'tags' has an entry 'a' that cannot be one": {"tags": {"a": ["b"]}},
        "'user_data' has more than 8192": {"user_data": "x" * 8193},
        "'metadata_hop_limit' is a whole": {"metadata_hop_limit": True},
        "'prices' has no price above 0 for 't3.micro'": {"prices": {"t3.micro": 0}},
        "'credentials' is one of keys, installation": {"credentials": "host"},
        "'key_name' does not look like one": {"key_name": "näme"},
    }

    @pytest.fixture(autouse=True)
    def _client(self, ec2: Any) -> None:
        self.ec2 = ec2

    def end_behind_its_back(self, provider: Provider, place: Place, provider_id: str) -> None:
        self.ec2.terminate_instances(InstanceIds=[provider_id])

    def test_it_has_accounts(self, provider: AwsProvider):
        assert isinstance(provider, CloudProvider)
