"""Microsoft Authenticator's database: which accounts have a secret, and what is said of the others."""

import pytest

from appliance.errors import CannotRead, FileDamaged, NothingFound
from appliance.transfer.formats import microsoft
from appliance.transfer.found import Skipped
from tests.transfer.reading import contents, essences, means, read
from tests.transfer.samples import OTHER, SECRET, totp
from tests.transfer.samples.phones import MICROSOFT, MICROSOFT_ROWS, database, microsoft_row


def test_a_personal_account_has_its_secret_in_base64_and_eight_digits() -> None:
    reading = read(database(MICROSOFT, [microsoft_row(1, "Microsoft", "bob", "aGVsbG8=")]))
    assert essences(reading) == (totp("Microsoft", "bob", "NBSWY3DP", digits=8),)


def test_each_account_without_a_usable_secret_says_why() -> None:
    rows = (*MICROSOFT_ROWS, microsoft_row(1, "", "eve", "?"), microsoft_row(0, "Acme", "", ""))
    assert read(database(MICROSOFT, rows)).skipped == (
        Skipped(
            "carol@contoso.example",
            "it is an account of work or school, which is asked by push and has no secret",
        ),
        Skipped("dave", "its secret is encrypted with a key that never leaves the phone"),
        Skipped("eve", "the secret of a Microsoft account is not base64"),
        Skipped("Acme", "the secret is empty"),
    )


def test_a_database_with_encrypted_secrets_only_is_refused_as_a_whole() -> None:
    rows = [microsoft_row(0, "Acme", "dave", "", "c2VhbGVk"), microsoft_row(2, "Contoso", "carol", "")]
    with pytest.raises(CannotRead, match="never leaves the phone"):
        read(database(MICROSOFT, rows))


def test_older_and_newer_tables_are_recognised_by_their_columns() -> None:
    older = "name TEXT, username TEXT, oath_secret_key TEXT, account_type INTEGER"
    row = {"name": "Example", "username": "alice", "oath_secret_key": SECRET, "account_type": 0}
    assert essences(read(database(older, [row]))) == (totp("Example", "alice"),)
    newer = "name TEXT, username TEXT, encrypted_oath_secret_key TEXT, account_type INTEGER"
    with pytest.raises(CannotRead):
        read(database(newer, [{"encrypted_oath_secret_key": "x", "account_type": 0}]))


def test_files_together_are_one_list() -> None:
    files = [database(MICROSOFT, [microsoft_row(0, "A", name, OTHER)]) for name in ("a", "b")]
    assert [found.account.name for found in read(*files).found] == ["a", "b"]


def test_a_database_without_accounts_says_so() -> None:
    with pytest.raises(NothingFound, match="Microsoft Authenticator"):
        read(database(MICROSOFT, []))


def test_what_is_no_database_is_not_recognised() -> None:
    (content,) = contents(b"SQLite format 3\0")
    assert not microsoft.recognises(content, means())
    with pytest.raises(FileDamaged):
        microsoft.read([content], means())
