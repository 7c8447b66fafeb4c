"""KeePassXC's CSV: what its columns mean, and what its import can hold."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from appliance.errors import NothingFound
from appliance.transfer import registry
from appliance.transfer.entry import Unusable
from appliance.transfer.export import plan
from appliance.transfer.formats import keepassxc
from appliance.transfer.found import Found
from appliance.vault.model import Account
from tests.transfer.accounts import comes_back, founds
from tests.transfer.reading import contents, essences, means, read, write_means
from tests.transfer.samples import OTHER, SECRET, hotp, totp
from tests.transfer.samples.keepassxc import HEADER, SAMPLES, entry

TARGET = registry.TARGETS["keepassxc"]
ACCOUNT = Account("u", "totp", "Example", "alice", b"12345678901234567890")


@pytest.mark.parametrize(
    ("header", "recognised"),
    [
        (HEADER, True),
        (HEADER.replace('"', ""), True),
        (HEADER.replace('"Notes"', '"Tags","Notes"'), True),
        (HEADER.replace('"TOTP",', ""), False),
        (HEADER.replace('"Group",', ""), False),
        (HEADER.replace(",", ";"), True),
    ],
)
def test_a_file_is_recognised_by_its_header(header: str, *, recognised: bool) -> None:
    assert keepassxc.recognises(contents(header)[0], means()) is recognised


def test_groups_lose_the_root_whatever_it_is_called() -> None:
    for root in ("Root", "Passwords", "Wurzel"):
        file = HEADER + entry("A", "a", OTHER, f"{root}/Work/Servers") + entry("B", "b", OTHER, root)
        assert [found.group_names for found in read(file).found] == [("Work/Servers",), ()]


def test_a_group_that_is_no_root_is_kept() -> None:
    file = (
        HEADER
        + entry("A", "a", OTHER, "Work")
        + entry("B", "b", OTHER, "Root/Home")
        + entry("C", "c", OTHER, "")
    )
    assert [found.group_names for found in read(file).found] == [("Work",), ("Home",), ()]


def test_the_recycle_bin_is_left_out_and_its_codes_are_counted() -> None:
    reading = read(
        HEADER
        + entry("A", "a", OTHER, "Root")
        + entry("B", "b", OTHER, "Root/Recycle Bin")
        + entry("C", "c", OTHER, "Root/Recycle Bin/Work")
        + entry("D", "d", "", "Root/Recycle Bin")
        + entry("E", "e", OTHER, "Root/Recycle Bins")
    )
    assert [found.account.issuer for found in reading.found] == ["A", "E"]
    assert reading.warnings == ("entries of the recycle bin that are left out: 2",)


@pytest.mark.parametrize(
    ("title", "user", "code", "expected"),
    [
        ("A:B", "c:d", f"otpauth://totp/A%3AB:c%3Ad?secret={SECRET}&issuer=A%3AB", totp("A:B", "c:d")),
        ("A", "", f"otpauth://totp/A:none?secret={SECRET}&issuer=A", totp("A", "")),
        ("A", "none", f"otpauth://totp/A:none?secret={SECRET}&issuer=A", totp("A", "none")),
        ("", "b", f"otpauth://totp/KeePassXC:b?secret={SECRET}&issuer=KeePassXC", totp("", "b")),
        ("A", "", f"otpauth://totp/A:b?secret={SECRET}&issuer=A", totp("A", "b")),
        ("b", "b", f"otpauth://totp/b?secret={SECRET}", totp("", "b")),
        ("A", "b", SECRET.lower(), totp("A", "b")),
        ("A\u202e\n", "b\t", SECRET, totp("A", "b")),
        ("A", "b", f"otpauth://hotp/x:y?secret={SECRET}&counter=7", hotp("A", "b", counter=7)),
    ],
)
def test_title_and_user_are_believed_before_the_link(
    title: str, user: str, code: str, expected: object
) -> None:
    assert essences(read(HEADER + entry(title, user, code))) == (expected,)


def test_a_note_with_links_does_not_make_a_list_of_links_of_the_file() -> None:
    assert read(*SAMPLES[0].files).format == "keepassxc-csv"


def test_passwords_and_notes_are_not_kept() -> None:
    reading = read(HEADER + entry("A", "a", OTHER, note="private"))
    assert reading.found[0].account.note == ""
    assert "hunter2" not in repr(reading)


def test_a_file_without_codes_is_nothing_found() -> None:
    with pytest.raises(NothingFound, match="KeePassXC CSV file: there are none"):
        read(HEADER + entry("A", "a", "") + entry("B", "b", OTHER, "Root/Recycle Bin"))


@settings(deadline=None)
@given(st.lists(founds(), max_size=4))
@example([Found(Account("u", "totp", "A:B", "none", b"1"), group_names=("Recycle Bin", "=1+1"))])
@example([Found(Account("u", "totp", "", "none", b"1"), group_names=("Recycle Bin/x",))])
@example([Found(Account("u", "totp", "#a", "", b"1"), group_names=("//", "Root"))])
def test_what_is_written_comes_back(accounts: list[Found]) -> None:
    comes_back(TARGET, accounts)


def written(*accounts: Account, groups: tuple[str, ...] = ()) -> str:
    held = plan(TARGET, [Found(account, group_names=groups) for account in accounts]).kept
    return TARGET.write(held, write_means())[0].decode()


def test_an_export_is_what_the_import_of_keepassxc_takes() -> None:
    link = f"otpauth://totp/Example:alice?secret={SECRET}&algorithm=SHA1&digits=6&period=30&issuer=Example"
    row = f'"Root/Work","Example","alice","","","","{link}","","",""\n'
    assert written(ACCOUNT, groups=("Work", "Home")) == HEADER + row


def test_names_that_a_spreadsheet_would_compute_stay_as_they_are() -> None:
    text = written(Account("u", "totp", "=1+1", "@alice", b"1"), Account("v", "totp", "-2", '+"3"', b"1"))
    assert [row[1:3] for row in csv.reader(io.StringIO(text))][1:] == [["=1+1", "@alice"], ["-2", '+"3"']]


@pytest.mark.parametrize(("period", "cut"), [(30, False), (60, False), (61, True), (120, True)])
def test_a_period_that_older_releases_cut_is_named(period: int, *, cut: bool) -> None:
    planned = plan(TARGET, [Found(Account("u", "totp", "A", "b", b"1234567890", period=period))])
    assert [each.reason for each in planned.lost] == (
        ["its period in KeePassXC before 2.7.5, which takes 60 seconds for it"] if cut else []
    )
    assert planned.kept[0].account.period == period
    assert planned.complete is not cut


@pytest.mark.parametrize(
    ("issuer", "name", "computed"),
    [
        ("=1+1", "b", True),
        ("A", "+49 1", True),
        ("A", "-b", True),
        ("A", "@b", True),
        ("A", "\uff1db", True),
        ("", "=b", True),
        ("A", "b=1", False),
        ("A", "'=b", False),
        ("A", "", False),
    ],
)
def test_a_name_that_a_spreadsheet_would_compute_is_named(issuer: str, name: str, *, computed: bool) -> None:
    planned = plan(TARGET, [Found(Account("u", "totp", issuer, name, b"1234567890"))])
    assert [each.reason for each in planned.lost] == (
        ["that its name is a text: a spreadsheet would run it, so open the file with KeePassXC only"]
        if computed
        else []
    )
    assert (planned.kept[0].account.issuer, planned.kept[0].account.name) == (issuer, name)


def test_a_colon_in_the_issuer_is_not_lost() -> None:
    account = Account("u", "totp", "A:B", "c", b"1")
    assert plan(TARGET, [Found(account)]).complete


def test_an_entry_always_has_a_title() -> None:
    assert '"Root","alice","alice"' in written(Account("u", "totp", "", "alice", b"1"))


@pytest.mark.parametrize(
    ("account", "why"),
    [
        (Account("u", "hotp", "A", "b", b"1234567890"), "HOTP"),
        (Account("u", "totp", "A", "b", b"1234567890", digits=10), "10 digits"),
        (Account("u", "totp", "Steam", "b", b"1234567890", digits=5), "Steam code"),
    ],
)
def test_codes_that_would_be_wrong_there_are_left_out(account: Account, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        keepassxc.hold(Found(account))
