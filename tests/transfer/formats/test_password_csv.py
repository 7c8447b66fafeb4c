"""CSV files of password managers: which columns count, whatever the program, and which tables are none."""

import pytest

from appliance.errors import FileDamaged, NothingFound, NotRecognised
from appliance.transfer.formats import password_csv
from tests.transfer.reading import contents, essences, means, read
from tests.transfer.samples import OTHER, SECRET, totp
from tests.transfer.samples.password_csv import EXAMPLE, LINK, SAFARI, zipped


@pytest.mark.parametrize(
    ("content", "recognised"),
    [
        (b"title,username,password,otpauth\n", True),
        (b"TITLE;UserName;One;OTP Auth\n", True),
        (b"name\turl\tusername\tpassword\tnote\n", True),
        (b"name,totp\n", True),
        (b"name,2fa\n", True),
        (b"totp,secret\n", False),
        (b"name,encrypted_seed,salt,iv\n", False),
        (b"name,value\n", False),
        (b"password,count\n", False),
        (b"name\nAcme\n", False),
        (b'{"name": 1, "totp": 2}', False),
        (b"hello, world", False),
        (b"PK\x03\x04", False),
        (zipped(a_csv="name,totp\n"), True),
        (zipped(a_csv="x,y\n", b_CSV="name,totp\n"), True),
        (zipped(a_csv="x\n", b_csv="name,totp\n"), True),
        (zipped(a_csv="x,y\n", b_txt="name,totp\n"), False),
        (zipped(**{f"{number}_csv": "x,y\n" for number in range(8)}, z_csv="name,totp\n"), False),
    ],
)
def test_a_table_is_recognised_by_names_beside_codes_or_passwords(
    content: bytes, *, recognised: bool
) -> None:
    assert password_csv.recognises(contents(content)[0], means()) is recognised


@pytest.mark.parametrize(
    "text",
    [
        "name,url,username,password,note\nAcme,https://acme.example,bob,hunter2,\n",
        "name,url,additional_urls,username,password,note,folder,type\nAcme,,,bob,hunter2,,,password\n",
        '"Group","Title","Username","Password","URL","Notes"\n"Root","Acme","bob","hunter2","",""\n',
    ],
)
def test_a_table_with_passwords_only_says_what_is_missing(text: str) -> None:
    with pytest.raises(NothingFound, match="no column for one-time codes") as caught:
        read(text)
    assert not isinstance(caught.value, NotRecognised)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.exit_code == 6


def test_a_table_whose_codes_are_all_empty_is_nothing_found() -> None:
    with pytest.raises(NothingFound, match="password manager CSV file: there are none"):
        read("title,username,password,otpauth\nAcme,bob,hunter2,\n\n")


def test_any_other_table_is_not_recognised() -> None:
    with pytest.raises(NotRecognised):
        read("name,value\nAcme,7\n")


def test_one_file_with_codes_is_enough() -> None:
    reading = read("name,password\nA,x\n", f"title,otp\nAcme,{OTHER}\n")
    assert essences(reading) == (totp("Acme", "", OTHER),)


def test_of_several_columns_the_first_that_has_a_value_counts() -> None:
    text = f"title,name,username,email,otpSecret,otpUrl\n,Acme,,bob,{OTHER},\n,,,,,{LINK}\n"
    assert essences(read(text)) == (totp("Acme", "bob", OTHER), EXAMPLE)


def test_of_several_columns_of_one_name_the_first_counts() -> None:
    assert essences(read(f"title,user name,username,totp\nA,b,c,{OTHER}\n")) == (totp("A", "b", OTHER),)


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_a_table_of_more_lines_than_anybody_has_is_not_tried(end: str) -> None:
    assert contents("name,totp" + end * 500_000)[0].table is None


@pytest.mark.parametrize(
    ("url", "issuer"),
    [
        ("https://www.acme.example/login?token=private", "acme.example"),
        ("https://bob:private@acme.example:8443/", "acme.example:8443"),
        ("acme.example", "acme.example"),
        ("", ""),
    ],
)
def test_without_a_title_the_host_is_the_issuer(url: str, issuer: str) -> None:
    reading = read(f"url,username,password,totp,name\n{url},bob,hunter2,{OTHER},\n")
    assert essences(reading) == (totp(issuer, "bob", OTHER),)


def test_groups_and_favourites_are_kept_and_notes_and_passwords_are_not() -> None:
    reading = read(
        "Title,Username,Password,OTPAuth,Favorite,Tags,Notes\n"
        f'A,a,hunter2,{OTHER},true,"work; servers,,",private\nB,b,hunter2,{OTHER},false,,\n'
    )
    assert [found.group_names for found in reading.found] == [("work", "servers"), ()]
    assert [found.account.favorite for found in reading.found] == [True, False]
    assert reading.found[0].account.note == ""
    reading = read(f"url,username,totp,name,grouping,fav\n,a,{OTHER},A,Work\\Servers,1\n,b,{OTHER},B,,0\n")
    assert [found.group_names for found in reading.found] == [("Work\\Servers",), ()]
    assert [found.account.favorite for found in reading.found] == [True, False]


def test_whether_there_is_a_code_is_no_code() -> None:
    assert essences(read(f"name,2fa\nA,yes\nB,No\nC,TRUE\nD,none\nE,{OTHER}\n")) == (totp("E", "", OTHER),)


def test_a_broken_code_costs_only_its_row() -> None:
    reading = read(f"name,totp\nA,{OTHER}\nB,0189\n,0189\nC,{OTHER}\n")
    assert [found.account.issuer for found in reading.found] == ["A", "C"]
    assert [skipped.name for skipped in reading.skipped] == ["B", "entry 3"]


def test_a_counter_that_is_no_number_costs_only_its_row() -> None:
    head = "Title,HmacOtp-Secret-Base32,HmacOtp-Counter\n"
    reading = read(f"{head}A,{OTHER},x\nB,{OTHER},\nC,,\n")
    assert [(found.account.issuer, found.counter) for found in reading.found] == [("B", 0)]
    assert [skipped.reason for skipped in reading.skipped] == ["its counter is not a whole number"]


@pytest.mark.parametrize(
    "note", ["many\nlines", "a\r\nb", "a\rb", "a\u2028b", "a\x0cb", "x" * 200_000, 'a ""b"" c', "a,b"]
)
def test_a_note_of_any_form_does_not_break_the_rows(note: str) -> None:
    text = f'name,note,totp\nA,"{note}",{OTHER}\nB,,{SECRET}\n'
    assert essences(read(text)) == (totp("A", "", OTHER), totp("B", ""))


@pytest.mark.parametrize("note", ["a\u2028b", "a\x0cb", "a\x85b", "x" * 200_000])
def test_a_value_without_quotes_ends_at_the_end_of_the_line_only(note: str) -> None:
    assert essences(read(f"name,note,totp\nA,{note},{OTHER}\n")) == (totp("A", "", OTHER),)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_end_of_line_and_a_byte_order_mark_are_taken(end: str) -> None:
    text = end.join(["\ufeffname;totp", f"A;{OTHER}", "", f"B;{SECRET}", ""])
    assert essences(read(text)) == (totp("A", "", OTHER), totp("B", ""))


def test_narrow_and_wide_rows_are_read_as_far_as_they_go() -> None:
    assert essences(read(f"totp,name,username\n{OTHER}\n{OTHER},A,b,c,d\n")) == (
        totp("", "", OTHER),
        totp("A", "b", OTHER),
    )


def test_an_archive_that_is_locked_or_broken_is_not_recognised() -> None:
    archive = bytearray(zipped(Passwords_csv=SAFARI))
    archive[60] ^= 0xFF
    with pytest.raises(NotRecognised):
        read(bytes(archive))
    locked = zipped(Passwords_csv=SAFARI).replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
    )
    assert not password_csv.recognises(contents(locked)[0], means())


def test_a_header_is_looked_at_up_to_500_columns() -> None:
    with pytest.raises(NotRecognised):
        read(f"name{',x' * 499},totp\nAcme{',' * 499},{OTHER}\n")
    assert len(read(f"name{',x' * 498},totp\nAcme{',' * 498},{OTHER}\n").found) == 1


@pytest.mark.long
def test_the_tables_of_an_archive_count_together() -> None:
    table = "name,totp\n" + f"A,{OTHER}\n" * 25_001
    with pytest.raises(FileDamaged, match="more than 50000 entries"):
        read(zipped(a_csv=table, b_csv=table))
