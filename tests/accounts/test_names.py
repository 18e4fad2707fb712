"""Names of new users and organizations: one name space, and a message that says what is wrong."""

import pytest

from accounts.errors import NameRefused
from accounts.models import Owner, User
from accounts.names import LONGEST, checked_owner_name
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["a", "alice", "Acme-2", "a.b_c", "7up", "x" * LONGEST, "apis", "p1"])
def test_good_names(name: str) -> None:
    assert checked_owner_name(name) == name


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("", "required", "Give a name"),
        ("x" * 40, "max_length", "40 characters"),
        ("api", "reserved", "reserved"),
        ("Admin", "reserved", "reserved"),
        ("P", "reserved", "reserved"),
        ("organizations", "reserved", "reserved"),
        ("a/b", "invalid", "a slash"),
        ("..", "invalid", "begin and end"),
        ("-a", "invalid", "begin and end"),
        ("a.", "invalid", "begin and end"),
        ("a b", "invalid", "a blank"),
        ("a\n", "invalid", "a blank"),
        ("\u0430lice", "invalid", "cyrillic small letter a"),
        ("al\u0131ce", "invalid", "latin small letter dotless i"),
        ("a\u200bb", "invalid", "zero width space"),
        ("a\0b", "invalid", "a character"),
        ("a\ud800b", "invalid", "a character"),
        ("\uff41lice", "invalid", "fullwidth"),
    ],
)
def test_bad_names_say_why(name: str, code: str, words: str) -> None:
    with pytest.raises(NameRefused, match=words) as refused:
        checked_owner_name(name)
    assert (refused.value.code, refused.value.field) == (code, "name")


@pytest.mark.parametrize("name", ["alice", "ALICE", "Acme", "aCME"])
def test_taken_by_a_user_or_an_organization_whatever_the_case(name: str, alice: User) -> None:
    factories.make_organization("acme")
    with pytest.raises(NameRefused, match="exists already") as refused:
        checked_owner_name(name)
    assert refused.value.code == "unique"


def test_longer_names_of_old_stay_valid() -> None:
    owner = Owner(name="x" * 64, kind=Owner.Kind.ORGANIZATION)
    owner.full_clean()
