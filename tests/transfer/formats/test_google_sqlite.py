"""Google Authenticator's database: names, counters, and the releases whose secrets stay in the phone."""

import pytest

from appliance.errors import CannotRead, FileDamaged
from appliance.transfer.formats import google_sqlite
from appliance.transfer.found import Skipped
from tests.transfer.reading import contents, essences, means, read
from tests.transfer.samples import SECRET, hotp, totp
from tests.transfer.samples.phones import GOOGLE, Row, database

SEALED = GOOGLE + ", isencrypted INTEGER DEFAULT 0"


def row(email: str, **more: object) -> Row:
    return {"email": email, "secret": SECRET, "type": 0, **more}


def test_the_issuer_is_taken_from_its_column_or_from_in_front_of_the_name() -> None:
    rows = [
        row("Example:alice", issuer="Example"),
        row("Acme:bob"),
        row("carol", issuer="Acme"),
        row("a:b", issuer="Other"),
        row("", original_name="Old:dave"),
        row("erin", type=None),
    ]
    assert essences(read(database(GOOGLE, rows))) == (
        totp("Example", "alice"),
        totp("Acme", "bob"),
        totp("Acme", "carol"),
        totp("Other", "a:b"),
        totp("Old", "dave"),
        totp("", "erin"),
    )


def test_a_counter_is_taken_as_it_is() -> None:
    assert essences(read(database(GOOGLE, [row("a", type=1, counter=41)]))) == (hotp("", "a", counter=41),)


def test_encrypted_secrets_are_told_and_cost_only_themselves() -> None:
    rows = [row("a"), row("b", isencrypted=1), row("c", type=2), row("d", secret="")]
    reading = read(database(SEALED, rows))
    assert essences(reading) == (totp("", "a"),)
    assert reading.skipped == (
        Skipped("b", "its secret is encrypted with a key that never leaves the phone"),
        Skipped("c", "its type is none of TOTP and HOTP"),
        Skipped("d", "the secret is empty"),
    )


def test_a_database_with_encrypted_secrets_only_is_refused_with_a_way_out() -> None:
    with pytest.raises(CannotRead) as caught:
        read(database(SEALED, [row("a", isencrypted=1)]))
    assert "QR codes" in str(caught.value.hint)


def test_what_is_no_database_is_not_recognised() -> None:
    (content,) = contents(b"SQLite format 3\0")
    assert not google_sqlite.recognises(content, means())
    with pytest.raises(FileDamaged):
        google_sqlite.read([content], means())
