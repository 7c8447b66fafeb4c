"""Aegis: which slots open a file, what it is refused for, and that all of an account comes back from it."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import CannotRead, FileDamaged, PasswordMissing, WrongPassphrase
from appliance.transfer import registry
from appliance.transfer.formats import aegis
from appliance.transfer.found import Found, Reading
from tests.transfer.accounts import PASSWORD as OURS
from tests.transfer.accounts import comes_back, founds
from tests.transfer.reading import MEMORY, contents, essence, essences, means, write_means
from tests.transfer.samples.aegis import (
    EXPECTED,
    GROUPS,
    ICON,
    MASTER,
    NOW,
    PASSWORD,
    biometric,
    database,
    encrypted,
    item,
    plain,
    slot,
)
from tests.vault.builder import PASSPHRASE, made, recovery_key, small_vault

ONE = database(3, [item("totp", "Example", "alice")])
LONG = "correct horse battery staple, and then some more words of it: ähm"


def read(file: bytes, password: str | None = None, memory_limit: int = MEMORY) -> Reading:
    return aegis.read(contents(file), means(password, memory_limit=memory_limit))


def one(raw: dict[str, Any], **db: Any) -> Found:
    (found,) = read(plain(database(3, [raw], **db))).found
    return found


def altered(file: bytes, *path: str | int, value: object) -> bytes:
    """Return a file with another value somewhere in it."""
    root = place = json.loads(file)
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(root).encode()


@pytest.mark.parametrize(
    ("content", "recognised"),
    [
        (plain(ONE), True),
        (encrypted(ONE, [slot(PASSWORD)]), True),
        (b"\xef\xbb\xbf" + plain(ONE), True),
        (b'{"version":1,"header":null}', False),
        (b'["version","header","db"]', False),
        (plain(ONE)[:-1], False),
    ],
)
def test_a_vault_is_recognised_by_its_three_parts(content: bytes, *, recognised: bool) -> None:
    assert aegis.recognises(contents(content)[0], means()) is recognised


def test_bytes_of_zero_behind_the_text_do_not_hide_what_it_is() -> None:
    """OTPClient writes the buffer that it had encrypted in, with what ends a text in C."""
    for file, password in ((plain(ONE), None), (encrypted(ONE, [slot(PASSWORD)]), PASSWORD)):
        padded = file + bytes(16)
        assert (
            registry.read([padded], password=password, memory_limit=MEMORY, new_uuid=lambda: "u").format
            == "aegis"
        )
        assert essences(read(padded, password)) == EXPECTED[:1]
    assert not aegis.recognises(contents(b"\0" + plain(ONE))[0], means())


def test_note_favourite_and_groups_are_kept() -> None:
    alice, bob, _ = read(plain(NOW)).found
    assert (alice.account.note, alice.account.favorite) == ("at work", True)
    assert alice.group_names == ("Work", "Home")  # and none for a uuid that no group has
    assert (bob.account.note, bob.account.favorite, bob.group_names) == ("", False, ())


def test_half_a_surrogate_pair_gets_into_no_text() -> None:
    raw = item("totp", "a\ud800", "\udfffb") | {"note": "c\ud800", "groups": ["g\ud800"]}
    found = one(raw, groups=[{"uuid": "g\ud800", "name": "d\ud800"}])
    account = found.account
    assert (account.issuer, account.name, account.note, found.group_names) == ("a", "b", "c?", ("d",))


def test_before_version_3_an_entry_names_its_only_group() -> None:
    raw = item("totp", "a", "b") | {"group": "Work"}
    (found,) = read(plain(database(2, [raw]))).found
    assert found.group_names == ("Work",)


def test_types_that_cannot_be_computed_are_skipped_with_their_names() -> None:
    skipped = {each.name: each.reason for each in read(plain(NOW)).skipped}
    assert skipped == {"Old:dave": "mOTP codes are not supported", "Ya:eve": "Yandex codes are not supported"}


@pytest.mark.parametrize(
    ("icons", "warnings"),
    [((), ()), ((ICON,), ("1 icon is not kept",)), ((ICON, "", ICON), ("2 icons are not kept",))],
)
def test_icons_are_counted(icons: tuple[str, ...], warnings: tuple[str, ...]) -> None:
    entries = [item("totp", "a", "b") | {"icon": icon} for icon in icons] + [item("totp", "a", "c")]
    assert read(plain(database(3, entries))).warnings == warnings


def test_a_uuid_of_the_file_is_not_taken_over() -> None:
    raw = item("totp", "a", "b") | {"uuid": GROUPS[0]}
    first, second = read(plain(database(3, [raw, raw]))).found
    assert GROUPS[0] not in {first.account.uuid, second.account.uuid}
    assert first.account.uuid != second.account.uuid


def test_the_spelling_of_2fauth_for_steam_is_known() -> None:
    assert one(item("steamtotp", "Steam", "a", digits=5)).account.type == "steam"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (item("totp", "a", "b", digits=0), "the number of digits is not between 4 and 10"),
        (item("totp", "a", "b", period=0), "the period in seconds is not between 1 and 86400"),
        (item("totp", "a", "b", "01"), "the secret is not base32 (letters A-Z and digits 2-7)"),
        (item("totp", "a", "b", digits=True), "its digits is not a whole number"),
        (item("totp", "a", "b") | {"groups": 7}, "its groups is not a list"),
        (item("totp", "a", "b") | {"info": None}, "the secret is empty"),
        (item("hotp", "a", "b", counter=-1), "the counter is not between 0 and 2147483647"),
    ],
)
def test_an_entry_that_cannot_be_used_costs_only_itself(raw: dict[str, Any], reason: str) -> None:
    reading = read(plain(database(3, [raw, item("totp", "Example", "alice")])))
    assert [(each.name, each.reason) for each in reading.skipped] == [("a:b", reason)]
    assert essences(reading) == EXPECTED[:1]


@pytest.mark.parametrize(
    "odd", [[None], [[]], [{}], [7], [{"uuid": "g", "name": 7}], [{"uuid": [], "name": "a"}]]
)
def test_odd_groups_cost_no_account(odd: list[Any]) -> None:
    assert one(item("totp", "a", "b") | {"groups": ["g", *odd]}, groups=odd).group_names == ()


def test_a_backup_password_opens_a_file_as_well() -> None:
    file = encrypted(ONE, [slot(PASSWORD), slot("backup", is_backup=True)])
    assert essences(read(file, "backup")) == essences(read(file, PASSWORD)) == EXPECTED[:1]


def test_a_file_that_only_the_phone_opens_says_what_to_do() -> None:
    for slots in ([biometric()], []):
        with pytest.raises(CannotRead, match="no password opens it") as caught:
            read(encrypted(ONE, slots), PASSWORD)
        assert "set a password in Aegis" in caught.value.hint


@pytest.mark.parametrize("letter", [1.1, 2.0])
def test_an_early_password_with_all_of_javas_buffer_opens_a_file(letter: float) -> None:
    encoded = LONG.encode()
    padded = encoded.ljust(int(len(LONG) * letter), b"\0")
    assert len(padded) > len(encoded) > 64
    assert read(encrypted(ONE, [slot(padded, repaired=False)]), LONG).found
    with pytest.raises(WrongPassphrase):
        read(encrypted(ONE, [slot(padded, repaired=True)]), LONG)
    assert read(encrypted(ONE, [slot(encoded, repaired=False)]), LONG).found


@pytest.mark.parametrize("typed", ["short", LONG])
def test_an_early_slot_does_not_open_with_any_password(typed: str) -> None:
    with pytest.raises(WrongPassphrase):
        read(encrypted(ONE, [slot(PASSWORD, repaired=False), slot("another", repaired=False)]), typed)


def test_a_buffer_that_was_too_small_grew_as_java_lets_it() -> None:
    typed = "密码" * 20  # 120 bytes; 44 grow to 89, then to 179, and 80 to 161
    for size in (161, 179):
        assert read(encrypted(ONE, [slot(typed.encode().ljust(size, b"\0"), repaired=False)]), typed).found


def test_a_wrong_password_and_a_changed_database_are_told_apart() -> None:
    file = encrypted(ONE, [slot(PASSWORD)])
    with pytest.raises(PasswordMissing):
        read(file)
    with pytest.raises(WrongPassphrase, match="wrong password"):
        read(file, PASSWORD + " ")
    db = json.loads(file)["db"]
    for changed in (db[4:], "AAAA" + db[4:], db + "AAAA", ""):
        with pytest.raises(FileDamaged, match="the password is right"):
            read(altered(file, "db", value=changed), PASSWORD)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("version",), 2, "its format version is 2, and up to 1 can be read"),
        (("db", "version"), 4, "its database version is 4, and up to 3 can be read"),
        (("db", "version"), 10**4000, "its database version is unknown, and up to 3 can be read"),
    ],
)
def test_a_newer_version_is_refused_by_its_number(path: tuple[str, ...], value: int, why: str) -> None:
    with pytest.raises(CannotRead, match=why):
        read(altered(plain(ONE), *path, value=value))


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("version",), "1", "it has no format version"),
        (("version",), 0, "it has no format version"),
        (("db",), None, "it is not an object"),
        (("db",), [], "it is not an object"),
        (("db", "version"), None, "it has no database version"),
        (("db", "entries"), {}, "its entries is not a list"),
        (("db", "groups"), "x", "its groups is not a list"),
    ],
)
def test_a_plain_file_that_is_put_together_wrongly_is_damaged(
    path: tuple[str, ...], value: object, why: str
) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(altered(plain(ONE), *path, value=value))


SLOT = ("header", "slots", 0)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (("db",), "AA=A", "not base64"),
        (("db",), "ä", "not base64"),
        (("db",), "AAAA!", "not base64"),
        (("header",), None, "its nonce|no password"),
        (("header", "params"), [], "not an object"),
        (("header", "params", "nonce"), "xy", "its nonce is not hexadecimal"),
        (("header", "params", "tag"), 1.5, "its tag is not hexadecimal"),
        (("header", "slots"), {}, "its slots is not a list"),
        ((*SLOT,), 7, "not an object"),
        ((*SLOT, "type"), "password", "its type is not a whole number"),
        ((*SLOT, "key"), "0", "its key is not hexadecimal"),
        ((*SLOT, "key_params"), 7, "not an object"),
        ((*SLOT, "salt"), [], "its salt is not hexadecimal"),
        ((*SLOT, "n"), True, "its n is not a whole number"),
        ((*SLOT, "n"), None, "cost"),
        ((*SLOT, "n"), -(2**15), "cost"),
        ((*SLOT, "r"), 10**4000, "cost"),
        ((*SLOT, "p"), 1e300, "cost"),
    ],
)
def test_an_encrypted_file_that_is_put_together_wrongly_is_damaged(
    path: tuple[str | int, ...], value: object, why: str
) -> None:
    file = altered(encrypted(ONE, [slot(PASSWORD)]), *path, value=value)
    with pytest.raises((FileDamaged, CannotRead), match=why) as caught:
        read(file, PASSWORD)
    assert path == ("header",) or isinstance(caught.value, FileDamaged)


@pytest.mark.parametrize(
    ("n", "r", "p"), [(3, 8, 1), (2**16, 1, 1), (2**20, 8, 1), (2**14, 8, 2**20), (2, 1, 2**19)]
)
def test_a_key_that_would_cost_too_much_is_refused_before_it_is_derived(n: int, r: int, p: int) -> None:
    file = encrypted(ONE, [slot(PASSWORD) | {"n": n, "r": r, "p": p}])
    with pytest.raises(CannotRead, match="its encryption asks for"):
        read(file, PASSWORD)


def test_a_key_that_needs_more_memory_than_there_is_is_refused() -> None:
    with pytest.raises(CannotRead, match="needs 1 MiB of memory"):
        read(encrypted(ONE, [slot(PASSWORD)]), PASSWORD, memory_limit=2**20 - 1)


def test_many_passwords_are_not_tried_for_ever() -> None:
    assert read(encrypted(ONE, [slot("another")] * 7 + [slot(PASSWORD)]), PASSWORD).found
    with pytest.raises(CannotRead, match="it has 9 passwords"):
        read(encrypted(ONE, [slot(PASSWORD)] * 9), PASSWORD)
    with pytest.raises(CannotRead, match="take too long"):
        read(encrypted(ONE, [slot("another") | {"n": 2**15, "p": 4}] * 3), PASSWORD)


def test_the_appliances_own_vault_and_backup_are_read_by_passphrase_and_recovery_key() -> None:
    vault = small_vault()
    sealed = made(vault, with_device=True)
    for password in (PASSPHRASE, recovery_key()):
        reading = read(sealed.raw, password)
        assert [(each.account.issuer, each.account.name, each.counter) for each in reading.found] == [
            (record.account.issuer, record.account.name, record.counter) for record in vault.ordered
        ]
        bank = reading.found[0]
        assert (bank.account.note, bank.account.favorite, bank.group_names) == (
            "ask for Mr Smith",
            True,
            ("Work",),
        )
    with pytest.raises(WrongPassphrase):
        read(sealed.raw, PASSPHRASE.upper())


@given(founds())
def test_nothing_of_an_account_is_lost(found: Found) -> None:
    held = aegis.hold(found)
    assert held.account == found.account
    assert essence(held) == essence(found)
    assert held.group_names == found.group_names


@given(st.lists(founds(), min_size=1, max_size=4))
def test_accounts_come_back_from_a_plain_export(accounts: list[Found]) -> None:
    comes_back(registry.TARGETS["aegis-plain"], accounts)


@pytest.mark.long
@settings(deadline=None, max_examples=30)
@given(founds())
def test_accounts_come_back_from_an_encrypted_export(found: Found) -> None:
    comes_back(registry.TARGETS["aegis"], [found])


def test_an_encrypted_export_is_what_aegis_itself_writes() -> None:
    """Opened by the steps of Aegis's own description, without the code that reads."""
    accounts = read(plain(NOW)).found
    (file,) = aegis.write(accounts, write_means(OURS))
    outer = json.loads(file)
    (only,) = outer["header"]["slots"]
    assert (only["type"], only["n"], only["r"], only["p"], only["repaired"]) == (1, 2**15, 8, 1, True)
    key = hashlib.scrypt(
        OURS.encode(), salt=bytes.fromhex(only["salt"]), n=2**15, r=8, p=1, maxmem=2**26, dklen=32
    )
    params = only["key_params"]
    sealed = bytes.fromhex(only["key"] + params["tag"])
    master = AESGCM(key).decrypt(bytes.fromhex(params["nonce"]), sealed, None)
    params = outer["header"]["params"]
    sealed = base64.b64decode(outer["db"]) + bytes.fromhex(params["tag"])
    db = json.loads(AESGCM(master).decrypt(bytes.fromhex(params["nonce"]), sealed, None))
    assert len(master) == 32
    assert master != MASTER
    assert db["version"] == 3
    uuids = [each["uuid"] for each in (*db["entries"], *db["groups"], only)]
    version_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(version_4.fullmatch(uuid) for uuid in uuids)
    assert db["entries"][0]["groups"] == [group["uuid"] for group in db["groups"]]
    assert essences(read(file, OURS)) == EXPECTED


def test_a_secret_of_odd_length_is_written_in_canonical_base32() -> None:
    held = aegis.hold(one(item("totp", "a", "b", "ABCDEFG")))
    (file,) = aegis.write_plain([held], write_means())
    assert json.loads(file)["db"]["entries"][0]["info"]["secret"] == held.secret_text == "ABCDEFA"
