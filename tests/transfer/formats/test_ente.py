"""Ente Auth: what its own parameter adds, what its importer needs, and what its encryption may ask for."""

import base64
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nacl import bindings

from appliance.errors import CannotRead, FileDamaged, NothingFound, PasswordMissing, WrongPassphrase
from appliance.transfer.entry import Unusable
from appliance.transfer.formats import ente
from appliance.transfer.found import Found, Reading
from appliance.transfer.registry import TARGETS
from appliance.vault.model import Account
from tests.transfer import reading as through_registry
from tests.transfer.accounts import comes_back, founds
from tests.transfer.reading import contents, essences, means, write_means
from tests.transfer.samples import SECRET, totp
from tests.transfer.samples.ente import FINAL, LIST, PASSWORD, link, sealed

PLAIN_LINK = f"otpauth://totp/Example:alice?secret={SECRET}&issuer=Example"
ONE = Found(Account("uuid", "totp", "Example", "alice", b"12345678901234567890"), 0, SECRET)


def read(file: str | bytes, password: str | None = None) -> Reading:
    return ente.read(contents(file), means(password))


def display(reading: Reading) -> tuple[str, bool, tuple[str, ...]]:
    (found,) = reading.found
    return found.account.note, found.account.favorite, found.group_names


def test_note_mark_and_tags_are_kept() -> None:
    first, second, *_ = read(LIST).found
    assert first.account.note == "ask 10% & more,\nthen go"
    assert first.account.favorite
    assert first.group_names == ("Work", "Money, and more")
    assert (second.account.note, second.account.favorite, second.group_names) == ("", False, ())


def test_what_is_in_the_trash_is_left_out_and_counted() -> None:
    assert read(LIST).warnings == ("1 account in the trash is left out",)
    gone = link(f"totp/a?secret={SECRET}", trashed=True)
    reading = read(f"{gone}\n{gone}\n{PLAIN_LINK}")
    assert reading.warnings == ("2 accounts in the trash are left out",)
    assert len(reading.found) == 1
    assert read(link(f"totp/a?secret={SECRET}", trashed="true")).warnings == ()


def test_a_file_with_nothing_but_trash_holds_nothing() -> None:
    with pytest.raises(NothingFound, match="there are none"):
        through_registry.read(link(f"totp/a?secret={SECRET}", trashed=True))


def test_a_bad_line_is_skipped_with_its_number() -> None:
    reading = read(f"{LIST}hello\n")
    assert [(skipped.name, skipped.reason) for skipped in reading.skipped] == [
        ("line 6", "the secret is not base32 (letters A-Z and digits 2-7)"),
        ("line 7", "this is not an otpauth:// link"),
    ]


def test_a_line_of_very_many_parameters_is_skipped() -> None:
    reading = read(f"{PLAIN_LINK}&codeDisplay=x{'&a' * 100_000}\n{PLAIN_LINK}")
    assert [skipped.reason for skipped in reading.skipped] == ["the link is too long"]
    assert len(reading.found) == 1


def test_commas_are_read_though_they_were_encoded_twice() -> None:
    line = f"{PLAIN_LINK}&codeDisplay=%7B%22pinned%22%3Atrue%252C%22note%22%3A%22a%252Cb%22%7D"
    assert display(read(line)) == ("a,b", True, ())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "%7B",
        "[]",
        "null",
        "%5B" * 30_000,
        f"%7B%22note%22:%22{'x' * 100_000}%22%7D",
        "%22%5Cud800%22",
        "1" * 5_000,
        "%ff%fe",
    ],
)
def test_a_parameter_that_cannot_be_read_costs_only_what_it_adds(value: str) -> None:
    reading = read(f"{PLAIN_LINK}&codeDisplay={value}")
    assert essences(reading) == (totp("Example", "alice"),)
    assert display(reading) == ("", False, ())


def test_fields_of_other_types_do_not_count() -> None:
    line = link(f"totp/a?secret={SECRET}", pinned="yes", tags=["good", 1, None, "", "\u202e"], note=["x"])
    assert display(read(line)) == ("", False, ("good",))
    assert display(read(link(f"totp/a?secret={SECRET}", pinned=1, tags="good", note=None))) == ("", False, ())


def test_half_a_letter_in_a_note_or_tag_does_no_harm() -> None:
    line = link(f"totp/a?secret={SECRET}", tags=["a\ud800b"], note="c\udc00d")
    assert display(read(line)) == ("c?d", False, ("ab",))


@pytest.mark.parametrize(
    ("text", "recognised"),
    [
        (f"{PLAIN_LINK}&codeDisplay=x", True),
        (f"{PLAIN_LINK}\n{PLAIN_LINK}&codeDisplay=x", True),
        (PLAIN_LINK, False),
        (f"# {PLAIN_LINK}&codeDisplay=x", False),
        ("see ?codeDisplay=x", False),
        ('{"kdfParams": 1, "encryptedData": 1, "encryptionNonce": 1}', True),
        ('{"kdfParams": 1, "encryptedData": 1}', False),
        (f'["{PLAIN_LINK}&codeDisplay=x"]', False),
    ],
)
def test_only_its_own_parameter_tells_its_list_from_others(text: str, *, recognised: bool) -> None:
    assert ente.recognises(contents(text)[0], means()) is recognised


def test_a_list_without_its_parameter_is_a_list_of_links() -> None:
    assert through_registry.read(f"{PLAIN_LINK}\n").format == "uri-list"
    assert through_registry.read(f"{PLAIN_LINK}&codeDisplay=%7B%7D\n").format == "ente"


@pytest.mark.parametrize("tag", range(4))
def test_the_kind_of_the_encrypted_message_does_not_matter(tag: int) -> None:
    assert len(read(sealed(LIST, tag), PASSWORD).found) == 4


def test_the_plain_list_inside_may_have_any_entries() -> None:
    reading = read(sealed(PLAIN_LINK), PASSWORD)
    assert reading.encrypted
    assert essences(reading) == (totp("Example", "alice"),)


def test_a_missing_and_a_wrong_password_are_told_apart() -> None:
    with pytest.raises(PasswordMissing):
        read(sealed(LIST))
    with pytest.raises(WrongPassphrase, match="wrong password, or the file is damaged") as caught:
        read(sealed(LIST), "\ud800")
    assert not isinstance(caught.value, PasswordMissing)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"encryptedData": 1.5}, "its encryptedData is not a text"),
        ({"encryptedData": "é"}, "its encryptedData is not base64"),
        ({"encryptedData": "AAAA"}, "another length"),
        ({"encryptionNonce": "AAA"}, "its encryptionNonce is not base64"),
        ({"encryptionNonce": None}, "another length"),
        ({"salt": "AAAA"}, "another length"),
        ({"salt": "AAAA!!!!"}, "its salt is not base64"),
        ({"kdfParams": []}, "it is not an object"),
        ({"memLimit": True}, "its memLimit is not a whole number"),
        ({"opsLimit": "many"}, "its opsLimit is not a whole number"),
        ({"version": {}}, "its version is not a whole number"),
    ],
)
def test_an_encrypted_file_with_broken_fields_is_damaged(changes: dict[str, object], why: str) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(sealed(LIST, FINAL, **changes), PASSWORD)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version": 2}, "its version is 2, and version 1 can be read"),
        ({"version": None}, "its version is unknown"),
        ({"memLimit": 8_191}, "impossible parameters"),
        ({"memLimit": -(2**30)}, "impossible parameters"),
        ({"memLimit": None}, "impossible parameters"),
        ({"opsLimit": 0}, "impossible parameters"),
        ({"opsLimit": -1}, "impossible parameters"),
        ({"memLimit": 2**30 + 1024}, "1024 MiB in 1 passes, and at most 1024 MiB"),
        ({"memLimit": 2**30, "opsLimit": 5}, "5120 MiB of work in 5 passes"),
        ({"memLimit": 2**22, "opsLimit": 2**40}, "passes"),
        ({"memLimit": 1e300}, "at most 1024 MiB"),
        ({"memLimit": 2**30, "opsLimit": 4}, "needs 1024 MiB of memory, more than is free"),
    ],
)
def test_parameters_are_checked_before_anything_is_derived(changes: dict[str, object], why: str) -> None:
    asked: list[int] = []
    with pytest.raises(CannotRead, match=why):
        ente.read(
            contents(sealed(LIST, FINAL, **changes)),
            replace(means(PASSWORD, memory_limit=2**29), more_memory=asked.append),
        )
    assert asked == []


def test_memory_is_asked_for_once_it_is_known_to_be_there() -> None:
    asked: list[int] = []
    ente.read(contents(sealed(LIST)), replace(means(PASSWORD, memory_limit=10_240), more_memory=asked.append))
    assert asked == [10_240]


def test_a_written_list_is_what_its_importer_takes() -> None:
    # That wants a link at once, cuts at every comma before it looks at lines, and decodes `%2C` once too often.
    odd = replace(
        ONE,
        account=replace(ONE.account, issuer="a,b", name="c, d", note="10%2C, 5%", favorite=True),
        group_names=("x,y",),
    )
    (file,) = ente.write_plain([ente.hold(odd), ente.hold(ONE)], write_means())
    assert file.startswith(b"otpauth://")
    assert b"," not in file
    (first, second) = file.decode().splitlines()
    written = json.loads(parse_qs(urlsplit(first).query)["codeDisplay"][0].replace("%2C", ","))
    assert written == {"pinned": True, "trashed": False, "tags": ["x,y"], "note": "10%2C, 5%", "position": 0}
    assert '"position":1' in parse_qs(urlsplit(second).query)["codeDisplay"][0]


def test_an_account_without_an_issuer_says_so() -> None:
    # Else Ente takes the account's name for the issuer.
    (file,) = ente.write_plain(
        [ente.hold(replace(ONE, account=replace(ONE.account, issuer="")))], write_means()
    )
    assert b"&issuer=&" in file
    assert essences(read(file)) == (totp("", "alice"),)


def test_an_encrypted_export_opens_with_libsodium_alone() -> None:
    (file,) = ente.write([ente.hold(ONE)], write_means("pässword"))
    fields = json.loads(file)
    parameters = fields["kdfParams"]
    assert (parameters["memLimit"], parameters["opsLimit"], fields["version"]) == (64 << 20, 3, 1)
    salt, header, data = (
        base64.b64decode(text)
        for text in (parameters["salt"], fields["encryptionNonce"], fields["encryptedData"])
    )
    algorithm = bindings.crypto_pwhash_ALG_ARGON2ID13
    key = bindings.crypto_pwhash_alg(32, "pässword".encode(), salt, 3, 64 << 20, algorithm)
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
    plain, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(state, data)
    assert tag == bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
    assert plain == ente.write_plain([ente.hold(ONE)], write_means())[0]


def test_a_note_that_no_reader_would_take_is_left_out_of_an_export() -> None:
    account = replace(ONE.account, note="x" * 99_000, favorite=True)
    assert ente.hold(replace(ONE, account=account)).account.note == account.note
    longer = replace(ONE, account=replace(account, note="x" * 100_001), group_names=("Work",))
    held = ente.hold(longer)
    assert (held.account.note, held.account.favorite, held.group_names) == ("", True, ())
    comes_back(TARGETS["ente-plain"], [longer])


def test_a_type_that_a_link_would_change_is_left_out() -> None:
    five = replace(ONE, account=replace(ONE.account, issuer="Steam", digits=5))
    with pytest.raises(Unusable, match="taken for Steam's own codes"):
        ente.hold(five)
    assert ente.hold(replace(five, account=replace(five.account, digits=6))).account.digits == 6


@given(st.lists(founds(), max_size=5))
def test_everything_comes_back_from_a_plain_list(accounts: list[Found]) -> None:
    comes_back(TARGETS["ente-plain"], accounts)


@settings(max_examples=2, deadline=None)
@given(st.lists(founds(), min_size=1, max_size=5))
@example([ONE])
def test_everything_comes_back_from_an_encrypted_file(accounts: list[Found]) -> None:
    comes_back(TARGETS["ente"], accounts)


@pytest.mark.long
@settings(max_examples=3_000, deadline=None)
@given(st.lists(founds(), max_size=5))
def test_very_many_accounts_come_back_from_a_plain_list(accounts: list[Found]) -> None:
    comes_back(TARGETS["ente-plain"], accounts)
