"""Links of several accounts: what their messages may look like, which pages belong together, and what is refused."""

import gzip
import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.transfer import migration, protobuf
from appliance.transfer.batch import Batches, Page
from appliance.transfer.entry import Unusable
from appliance.transfer.found import Found
from appliance.vault.model import Account
from tests.transfer.reading import essence, means, write_means
from tests.transfer.reading import read as registry_read
from tests.transfer.samples import SECRET, Essence, hotp, totp
from tests.transfer.samples.links import account, field, google, lastpass

CUT_OFF = "its data is cut off, or is not that of an export"


def read(link: str) -> tuple[list[Essence], list[str]]:
    found, reasons = [], []
    for entry in migration.page(link).entries:
        try:
            found.append(essence(entry.read(means())))
        except Unusable as problem:
            reasons.append(str(problem))
    return found, reasons


def link(message: bytes) -> str:
    return f"otpauth-migration://offline?data={quote(b64encode(message).decode(), safe='')}"


def totp_account(name: str = "a", **changes: Any) -> Found:
    fields: dict[str, Any] = {
        "type": "totp",
        "issuer": "I",
        "name": name,
        "secret": b"12345678901234567890",
    }
    return Found(Account(uuid="u", **(fields | changes)))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (account("a"), totp("", "a")),
        (account("I:a", "I"), totp("I", "a")),
        (account("i: a", "I"), totp("I", "a")),
        (account("a", "I"), totp("I", "a")),
        (account("I:a"), totp("I", "a")),
        (account("J:a", "I"), totp("I", "J:a")),
        (account("I:b:a", "I:b"), totp("I:b", "a")),
        (account("a", algorithm=0, digits=0, kind=0), totp("", "a")),
        (account("a", algorithm=1, digits=1, kind=2), totp("", "a")),
        (account("a", algorithm=2, digits=2), totp("", "a", algorithm="SHA256", digits=8)),
        (account("a", algorithm=3), totp("", "a", algorithm="SHA512")),
        (account("a", kind=1, counter=9), hotp("", "a", counter=9)),
        (account("a") + field(8, b"unique id") + field(9, 1), totp("", "a")),
        (account("old") + field(2, b"a"), totp("", "a")),
        (account("a") + bytes((9 << 3 | 1, *range(8))) + bytes((10 << 3 | 5, 1, 2, 3, 4)), totp("", "a")),
    ],
)
def test_an_account_is_read_with_its_defaults_and_unknown_fields(raw: bytes, expected: Essence) -> None:
    assert read(google(raw)) == ([expected], [])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (field(2, b"a"), "the secret is empty"),
        (account("a", algorithm=4), "codes made with MD5 are not supported"),
        (account("a", algorithm=9), "the algorithm is none of SHA1, SHA256 and SHA512"),
        (account("a", digits=9), "the number of digits is neither 6 nor 8"),
        (account("a", kind=9), "its type is none of TOTP, HOTP and Steam"),
        (
            account("a", kind=1) + bytes((7 << 3, *[0xFF] * 9, 1)),
            "the counter is not between 0 and 2147483647",
        ),
        (account("a")[:-1], "its data is broken"),
        (field(1, 5) + field(2, b"a"), "its data is broken"),
        (field(2, 7), "its data is broken"),
    ],
)
def test_a_bad_account_does_not_cost_the_others(raw: bytes, reason: str) -> None:
    assert read(google(account("b"), raw, account("c"))) == ([totp("", "b"), totp("", "c")], [reason])


def test_the_batch_is_read_with_an_id_that_is_often_negative() -> None:
    page = migration.page(google(account("a"), size=3, index=2, more=bytes((5 << 3, *[0xFF] * 9, 1))))
    assert (page.size, page.index, page.batch) == (3, 2, "-1")
    assert (migration.page(google(account("a"))).size, migration.page(google(account("a"))).index) == (1, 0)


@pytest.mark.parametrize("dress", ["{}", ' "{}"\n', "\ufeff{}"])
def test_the_data_may_be_escaped_or_not_and_lack_its_padding(dress: str) -> None:
    message = field(1, account("??>>~~", "I")) + field(2, 1)
    plain = b64encode(message).decode()
    assert "+" in plain or "/" in plain
    for data in (plain, quote(plain, safe=""), plain.rstrip("="), plain.replace("+", " ")):
        assert read(dress.format(f"otpauth-migration://offline?data={data}"))[0] == [totp("I", "??>>~~")]
    url_safe = plain.replace("+", "-").replace("/", "_")
    assert read(f"OTPAUTH-MIGRATION://offline/?x=1&DATA={url_safe}&y=2")[0] == [totp("I", "??>>~~")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("otpauth-migration://online?data=CgA", "it is a link of another kind than those of an export"),
        ("otpauth-migration://offline?datafail=CgA", "the link has no data"),
        ("otpauth-migration://offline?data=", "the link has no data"),
        ("otpauth-migration://offline?data=%3D", "the link has no data"),
        ("otpauth-migration://offline", "the link has no data"),
        ("otpauth-migration://offline?data=!!!!", CUT_OFF),
        ("otpauth-migration://offline?data=CgAAA", CUT_OFF),
        (link(b"\x0a\x05abc"), CUT_OFF),
        (link(field(1, account("a"))[:-1]), CUT_OFF),
        (link(b"\x5d\x75\xd7"), CUT_OFF),
        (link(field(14, b"foreign")), CUT_OFF),
        (link(field(1, 5)), CUT_OFF),
        (link(bytes((1 << 3 | 3, 0))), CUT_OFF),
        (link(bytes((2 << 3, *[0xFF] * 11))), CUT_OFF),
        (google(account("a"), size=2, index=3), "its place among the QR codes of the export makes no sense"),
        (
            link(field(2, 1) + bytes((3 << 3, 0xFF, 0xFF, 0x03))),
            "its place among the QR codes of the export makes no sense",
        ),
        ("lpaauth-migration://offline?data=AAAA", CUT_OFF),
        (
            f"lpaauth-migration://offline?data={quote(b64encode(gzip.compress(b'[1]', mtime=0)))}",
            "it is not an object",
        ),
        (f"lpaauth-migration://offline?data={quote(b64encode(gzip.compress(b'{}', mtime=0)[:-4]))}", CUT_OFF),
        (f"lpaauth-migration://offline?data={quote(b64encode(gzip.compress(b'{', mtime=0)))}", CUT_OFF),
        (
            f"lpaauth-migration://offline?data={quote(b64encode(gzip.compress(b'[' * 100_000, mtime=0)))}",
            CUT_OFF,
        ),
        (
            f"lpaauth-migration://offline?data={quote(b64encode(gzip.compress(bytes(9 << 20), mtime=0)))}",
            CUT_OFF,
        ),
    ],
)
def test_a_link_that_is_broken_as_a_whole_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        migration.page(text)
    assert str(caught.value) == reason


def test_an_empty_export_is_no_error() -> None:
    assert migration.page(google()).entries == ()


def test_names_that_were_changed_in_lastpass_win_over_the_original_ones() -> None:
    full = {
        "iN": "New",
        "oIN": "Old",
        "uN": "",
        "oUN": "alice",
        "s": SECRET,
        "d": 6,
        "tS": 30,
        "a": "SHA256",
        "iF": True,
    }
    page = migration.page(lastpass(full, {"s": 5}, 5, size=2, index=1))  # type: ignore[arg-type]
    assert (page.size, page.index, page.batch) == (2, 1, "B")
    found = page.entries[0].read(means())
    assert essence(found) == totp("New", "alice", algorithm="SHA256")
    assert found.account.favorite
    assert [entry.name for entry in page.entries] == ["New", "", ""]
    for entry in page.entries[1:]:
        with pytest.raises(Unusable):
            entry.read(means())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"period": 60}, "30 seconds"),
        ({"digits": 7}, "6 and 8 digits"),
        ({"digits": 10}, "6 and 8 digits"),
        ({"type": "steam", "digits": 5}, "Steam"),
    ],
)
def test_what_google_authenticator_cannot_compute_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        migration.hold(totp_account(**changes))


def test_what_google_authenticator_has_no_place_for_is_dropped() -> None:
    held = migration.hold(Found(totp_account(note="n", favorite=True).account, group_names=("g",)))
    assert (held.account.note, held.account.favorite, held.group_names, held.account.uuid) == (
        "",
        False,
        (),
        "u",
    )


def test_pages_hold_ten_accounts_at_most_and_know_their_place() -> None:
    held = [migration.hold(totp_account(f"a{n}")) for n in range(23)]
    read_back = [migration.page(text) for text in migration.pages(held, write_means())]
    assert [len(page.entries) for page in read_back] == [10, 10, 3]
    assert [(page.size, page.index) for page in read_back] == [(3, 0), (3, 1), (3, 2)]
    assert len({page.batch for page in read_back}) == 1
    assert int(read_back[0].batch) > 0
    assert [len(migration.page(text).entries) for text in migration.pages(held, write_means(), most=8)] == [
        8,
        8,
        7,
    ]
    assert len(migration.pages(held, write_means(), most=99)) == 3
    assert len(migration.pages(held, write_means(), most=0)) == 23


def page(index: int, size: int = 3, batch: str = "", link: str = "") -> Page:
    return Page((), size, index, batch, "p", link or f"{index}")


def test_pages_come_in_any_order_and_repeatedly() -> None:
    batches = Batches()
    assert [batches.add(page(index)) for index in (2, 0, 2)] == [True, True, False]
    assert (batches.read, batches.expected, batches.missing) == (2, 3, ("QR code 2 of 3",))
    assert batches.add(page(1))
    assert batches.missing == ()


def test_pages_that_count_from_one_are_taken_with_a_warning() -> None:
    links = [google(account(f"a{place}"), size=3, index=place) for place in (1, 2, 3)]
    reading = registry_read("\n".join(links))
    assert [found.account.name for found in reading.found] == ["a1", "a2", "a3"]
    assert (reading.skipped, reading.missing) == ((), ())
    assert reading.warnings == (
        "QR codes of this export count from 1 instead of 0; check that no account is missing",
    )
    assert registry_read("\n".join(links[1:])).missing == ("QR code 1 of 3",)
    assert registry_read(google(account("a"), size=1, index=1)).missing == ()
    usual = "\n".join(google(account(f"a{place}"), size=3, index=place) for place in (0, 1, 2))
    assert registry_read(usual).warnings == ()


def test_a_first_and_a_last_place_of_different_counts_are_of_two_exports() -> None:
    for places in ((0, 1, 3), (3, 1, 0), (1, 3, 0)):
        batches = Batches()
        for index in places:
            assert batches.add(page(index))
        assert sorted(batches.missing) == ["QR code 2 of 3", "QR codes 2-3 of 3"] or sorted(
            batches.missing
        ) == ["QR code 3 of 3", "QR codes 1-2 of 3"]


def test_what_is_missing_is_named_in_few_words() -> None:
    batches = Batches()
    batches.add(page(3, 9))
    assert batches.missing[-1] == "QR codes 1-3 and 5-9 of 9"
    batches.add(page(6, 9))
    assert (*batches.missing,) == ("QR codes 1-3, 5-6 and 8-9 of 9",)


def test_several_exports_may_come_mixed() -> None:
    batches = Batches()
    for each in (
        page(0, link="a0"),
        page(0, link="b0"),
        page(1, link="a1"),
        page(0, 2),
        page(0, 1),
        page(0, 1),
    ):
        batches.add(each)
    assert batches.missing == ("QR code 3 of 3", "QR codes 2-3 of 3", "QR code 2 of 2")
    assert (batches.read, batches.expected) == (5, 9)


def test_pages_with_different_ids_are_never_taken_for_one_export() -> None:
    batches = Batches()
    for each in (page(0, 2, "x"), page(1, 2, "y")):
        batches.add(each)
    assert batches.missing == ("QR code 2 of 2", "QR code 1 of 2")
    assert batches.add(page(1, 2, "", "without"))
    assert [*batches.missing] == ["QR code 1 of 2"]


@given(st.binary(max_size=60))
def test_any_bytes_are_a_page_or_refused(message: bytes) -> None:
    for scheme in ("otpauth-migration", "lpaauth-migration"):
        try:
            entries = migration.page(f"{scheme}://offline?data={quote(b64encode(message))}").entries
        except Unusable:
            continue
        for entry in entries:
            try:
                entry.read(means())
            except Unusable:
                continue


@given(st.text(max_size=60))
def test_any_text_is_a_page_or_refused(text: str) -> None:
    for start in ("", "otpauth-migration://", "otpauth-migration://offline?data="):
        try:
            migration.page(start + text)
        except Unusable:
            continue


@given(st.dictionaries(st.integers(1, 99), st.integers(0, 2**64 - 1) | st.binary(max_size=300)))
def test_a_message_comes_back(fields: dict[int, int | bytes]) -> None:
    message = protobuf.Message(protobuf.encoded(fields))
    for number, value in fields.items():
        if isinstance(value, bytes):
            assert message.octets(number) == value
        else:
            assert message.whole(number) % 2**64 == value


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)
    )
)
def test_any_json_in_a_code_of_lastpass_is_a_page_or_refused(value: object) -> None:
    packed = quote(b64encode(gzip.compress(json.dumps(value).encode())).decode())
    for text in (f"lpaauth-migration://offline?data={packed}", lastpass({"s": value}), lastpass(value)):  # type: ignore[arg-type]
        try:
            entries = migration.page(text).entries
            for entry in entries:
                entry.read(means())
        except Unusable:
            continue
