"""Links: what real programs write is read, what cannot be computed is refused, and what we write reads back."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from appliance.vault.model import (
    ALGORITHMS,
    COUNTERS,
    DIGITS,
    PERIODS,
    Account,
    Algorithm,
    Type,
    base32_encode,
)
from appliance.vault.otpauth import (
    NAMELESS,
    NotOtpauth,
    Parsed,
    algorithm_named,
    begins_like_link,
    parse,
    printable,
    write,
)

SECRET = "MZXW6YTBOI"  # "foobar", RFC 4648 section 10
TOTP = f"otpauth://totp/Example:alice?secret={SECRET}"
HOTP = f"otpauth://hotp/Example:alice?secret={SECRET}"


def read(uri: str) -> Parsed:
    return parse(uri, uuid="u")


def account(uri: str) -> Account:
    return read(uri).account


def named(label_and_query: str) -> tuple[str, str]:
    found = account(f"otpauth://totp/{label_and_query}&secret={SECRET}")
    return found.issuer, found.name


def refusal(uri: str) -> str:
    with pytest.raises(NotOtpauth) as caught:
        read(uri)
    return str(caught.value)


def test_a_plain_link_has_the_defaults() -> None:
    assert read(TOTP) == Parsed(
        Account("u", "totp", "Example", "alice", b"foobar", "SHA1", 6, 30), 0, SECRET, ()
    )


def test_a_full_link_has_what_it_says() -> None:
    found = account(TOTP + "&issuer=Example&algorithm=SHA512&digits=8&period=60")
    assert found == Account("u", "totp", "Example", "alice", b"foobar", "SHA512", 8, 60)


def test_a_hotp_link_has_its_counter() -> None:
    assert read(HOTP + "&counter=41&period=nonsense") == Parsed(
        Account("u", "hotp", "Example", "alice", b"foobar"), 41, SECRET
    )


@pytest.mark.parametrize("counter", ["", "&counter", "&counter=", "&counter=null"])
def test_a_hotp_link_without_a_counter_starts_at_0_and_says_so(counter: str) -> None:
    found = read(HOTP + counter)
    assert found.counter == 0
    assert len(found.warnings) == 1
    assert "counter" in found.warnings[0]


def test_a_counter_of_a_totp_link_does_not_matter() -> None:
    assert read(TOTP + "&counter=-1").counter == 0


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("alice?", ("", "alice")),
        ("Example:alice?", ("Example", "alice")),
        ("Example%3Aalice?", ("Example", "alice")),
        ("Example%3aalice?", ("Example", "alice")),
        ("Example:%20%20alice%20?", ("Example", "alice")),
        ("Example: alice?", ("Example", "alice")),
        (":alice?", ("", "alice")),
        ("Example:?", ("Example", "")),
        ("Matrix:@alice:example.org?", ("Matrix", "@alice:example.org")),
        ("Matrix%3A%40alice%3Aexample.org?", ("Matrix", "@alice:example.org")),
        ("100%253A1:alice?", ("100%3A1", "alice")),
        ("alice#EXT#@tenant?", ("", "alice#EXT#@tenant")),
        ("Example:alice+codes@example.org?", ("Example", "alice+codes@example.org")),
        ("Two Words:alice/b?", ("Two Words", "alice/b")),
        ("\U0001f3f3\ufe0f\u200d\U0001f308:\u83ce?", ("\U0001f3f3\ufe0f\u200d\U0001f308", "\u83ce")),
        ("B%C3%BCcher:100%?", ("B\u00fccher", "100%")),
    ],
)
def test_a_label_is_split_once_before_it_is_decoded(label: str, parts: tuple[str, str]) -> None:
    assert named(label) == parts


@pytest.mark.parametrize(
    ("query", "issuer"),
    [
        ("issuer=Other", "Other"),
        ("issuer=Air+Canada%20Lines", "Air Canada Lines"),
        ("ISSUER=Other", "Other"),
        ("issuer=First&issuer=Second", "First"),
        ("issuer=R%26D", "R&D"),
        ("issuer=a:b=c", "a:b=c"),
        ("issuer", "Example"),
        ("issuer=", "Example"),
        ("issuer=%20", "Example"),
        ("issuer=null", "Example"),
        ("", "Example"),
    ],
)
def test_an_issuer_parameter_wins_over_a_prefix_that_differs(query: str, issuer: str) -> None:
    assert named(f"Example:alice?{query}") == (issuer, "alice")


def test_a_link_without_a_label_needs_an_issuer() -> None:
    assert named("?issuer=Example") == ("Example", "")
    assert account(f"otpauth://totp?secret={SECRET}&issuer=Example").issuer == "Example"


@pytest.mark.parametrize("label", ["", "/", "/:"])
@pytest.mark.parametrize("kind", ["totp", "hotp", "steam"])
def test_a_link_without_name_and_issuer_is_taken_and_asks_for_a_name(kind: str, label: str) -> None:
    found = read(f"otpauth://{kind}{label}?secret={SECRET}&counter=1")
    assert found.account.label == ""
    assert found.warnings == (NAMELESS,)


def test_an_issuer_without_a_name_is_no_name_with_a_colon() -> None:
    assert named("X?issuer=X") == ("X", "")  # as we write it, the issuer in front
    assert (
        account(f"otpauth://totp/X?secret={SECRET}&issuer=X").name == "X"
    )  # as others write a name like that
    assert named("X:?issuer=X") == ("X", "")
    assert named("X:X?issuer=X") == ("X", "X")
    assert named("X?") == ("", "X")


@pytest.mark.parametrize("secret", ["ABC", "abc", "A B-C=", "ABCDEF"])
def test_a_secret_of_no_whole_base32_is_too_short(secret: str) -> None:
    assert "no whole base32" in refusal(f"otpauth://totp/alice?secret={secret}")


@pytest.mark.parametrize("name", ["👩‍🚀", "🏴‍☠️", "🏳️‍🌈", "❤️", "1️⃣", "\u2139\ufe0f", "می‌خواهم", "葛󠄀"])
def test_what_joins_emoji_and_letters_of_its_script_stays(name: str) -> None:
    assert printable(name) == name


@given(st.text(st.sampled_from("aé❤🚀ک葛1 \u200d\u200c\ufe0f\u20e3\U000e0061\U000e0100\u200b")))
def test_cleaning_a_name_once_is_enough(name: str) -> None:
    assert printable(printable(name)) == printable(name)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("  alice ", "alice"),
        ("ali\x00ce\x1b[31m\r\n", "alice[31m"),
        ("al\u202eice\u2066\u200f\ufeff", "alice"),
        ("a\u2028b\u2029c\ud800d", "abcd"),
        ("\x07 alice", "alice"),
        ("al\u200bi\u2060ce\u00ad\u3164", "alice"),
        ("ali\u200dce\u200c", "alice"),
        ("alice\ufe0f\U000e0101", "alice"),
        ("alice\U000e0041\U000e007f", "alice"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
    ],
)
def test_names_lose_control_and_direction_marks(dirty: str, clean: str) -> None:
    assert printable(dirty) == clean
    assert named(f"{dirty}:{dirty}?".replace("[31m", "")) == (clean.replace("[31m", ""),) * 2


def test_escaped_control_characters_are_dropped_too() -> None:
    assert named("Exa%0Ample:al%E2%80%AEice?issuer=Ex%00ample") == ("Example", "alice")


@pytest.mark.parametrize(
    "secret",
    ["mzxw6ytboi", "MZXW6YTBOI======", "MZXW6YTBOI%3D%3D", "mzxw%206ytb-oi", "mzxw+6ytb_oi", "MZXW 6YTB OI"],
)
def test_a_secret_is_read_in_any_dress(secret: str) -> None:
    found = read(f"otpauth://totp/alice?secret={secret}")
    assert found.account.secret == b"foobar"
    assert found.secret_text == SECRET


def test_a_secret_of_odd_length_is_told_as_it_was_read() -> None:
    found = read("otpauth://totp/alice?secret=mzxw6yt")
    assert (found.account.secret, found.secret_text) == (b"foob", "MZXW6YT")


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [
        ("", "SHA1"),
        ("sha1", "SHA1"),
        ("SHA-1", "SHA1"),
        ("HmacSHA1", "SHA1"),
        ("Algorithm.sha1", "SHA1"),
        ("HMAC-SHA-256", "SHA256"),
        ("Algorithm.HmacSHA512", "SHA512"),
        ("sha_512 ", "SHA512"),
    ],
)
def test_an_algorithm_is_read_in_any_spelling(text: str, algorithm: Algorithm) -> None:
    assert algorithm_named(text) == algorithm
    assert account(f"{TOTP}&aLgOrItHm={text}").algorithm == algorithm


@pytest.mark.parametrize("parameter", ["digits", "period", "algorithm"])
@pytest.mark.parametrize("value", ["", "=", "=null", "=NULL", "=%20"])
def test_a_blank_or_null_parameter_means_its_default(parameter: str, value: str) -> None:
    assert account(f"{TOTP}&{parameter}{value}") == account(TOTP)


@pytest.mark.parametrize(
    "uri",
    [
        f"  {TOTP}\r\n",
        f"\ufeff{TOTP}",
        f'"{TOTP}"',
        f"'{TOTP}'",
        f"\u201c{TOTP}\u201d",
        TOTP.replace("otpauth", "apple-otpauth"),
        TOTP.replace("otpauth", "OtpAuth").replace("totp", "TOTP"),
        f"{TOTP}&image=https%3A%2F%2Fexample.org%2Fa.png&tags=x&&=&lastUsed",
    ],
)
def test_what_stands_around_or_beside_it_does_not_matter(uri: str) -> None:
    assert account(uri) == account(TOTP)


STEAM = Account("u", "steam", "Valve", "alice", b"foobar", "SHA1", 5, 30)


@pytest.mark.parametrize(
    "rest",
    [
        f"steam/Valve:alice?secret={SECRET}",
        f"steam/Valve:alice?secret={SECRET}&digits=6&period=60&algorithm=SHA256",
        f"totp/Valve:alice?secret={SECRET}&encoder=Steam&digits=5",
        f"totp/Valve:alice?secret={SECRET}&steam",
    ],
)
def test_marks_of_steam_make_a_steam_account_with_steams_own_parameters(rest: str) -> None:
    assert account("otpauth://" + rest) == STEAM


@pytest.mark.parametrize("digits", ["", "&digits=5", "&digits=", "&digits=null"])
def test_the_issuer_steam_makes_a_steam_account_unless_other_digits_are_given(digits: str) -> None:
    assert account(f"otpauth://totp/Steam:alice?secret={SECRET}{digits}").type == "steam"
    assert account(f"otpauth://totp/alice?secret={SECRET}&issuer=Steam{digits}").type == "steam"


@pytest.mark.parametrize("digits", ["6", "8"])
def test_the_issuer_steam_with_six_or_eight_digits_is_an_ordinary_account(digits: str) -> None:
    found = account(f"otpauth://totp/Steam:alice?secret={SECRET}&digits={digits}")
    assert (found.type, found.digits) == ("totp", int(digits))


@pytest.mark.parametrize("issuer", ["steam", "Steam Community", "STEAM"])
def test_only_the_exact_issuer_makes_a_steam_account(issuer: str) -> None:
    assert account(f"otpauth://totp/{issuer}:alice?secret={SECRET}").type == "totp"


def test_a_hotp_account_of_steam_stays_one() -> None:
    assert account(f"otpauth://hotp/Steam:alice?secret={SECRET}&counter=1&encoder=steam").type == "hotp"


@pytest.mark.parametrize("body", ["mzxw6ytboi", "MZXW6YTBOI%3D", "MZXW6YTBOI/", "MZXW6YTBOI?x=y"])
def test_a_steam_link_is_the_secret_alone(body: str) -> None:
    assert read(f"steam://{body}") == Parsed(
        Account("u", "steam", "Steam", "", b"foobar", "SHA1", 5, 30), 0, SECRET
    )


@pytest.mark.parametrize(("parameter", "allowed"), [("digits", DIGITS), ("period", PERIODS)])
def test_digits_and_period_are_taken_within_their_ranges_and_refused_outside(
    parameter: str, allowed: range
) -> None:
    for value in (allowed[0], allowed[-1], f"0{allowed[0]}"):
        assert getattr(account(f"{TOTP}&{parameter}={value}"), parameter) == int(value)
    for value in (0, allowed[0] - 1, allowed[-1] + 1, -30, 10**30, "6.0", "six", "1_0", "%2B6", "\u0666"):
        assert parameter in refusal(f"{TOTP}&{parameter}={value}")


def test_a_counter_is_taken_within_its_range_and_refused_outside() -> None:
    assert read(f"{HOTP}&counter={COUNTERS[-1]}").counter == COUNTERS[-1]
    for value in (-1, COUNTERS[-1] + 1, "one"):
        assert "counter" in refusal(f"{HOTP}&counter={value}")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("", "not an otpauth"),
        ("hello", "not an otpauth"),
        (SECRET, "not an otpauth"),
        (f"https://totp/alice?secret={SECRET}", "not an otpauth"),
        ("otpauth", "type"),
        ("otpauth://", "type"),
        (f"otpauth://derp/alice?secret={SECRET}", "type"),
        (f"otpauth:///totp/alice?secret={SECRET}", "type"),
        ("otpauth://totp", "no secret"),
        ("otpauth://totp/alice", "no secret"),
        ("otpauth://totp/alice?issuer=Example", "no secret"),
        ("otpauth://totp/alice?secret=", "no secret"),
        ("otpauth://totp/alice?secret=null", "no secret"),
        ("otpauth://totp/alice?secret=%3D", "empty"),
        ("otpauth://totp/alice?secret=MZXW0YTBOI", "not base32"),
        ("otpauth://totp/alice?secret=A", "too short"),
        ("steam://", "no secret"),
        ("steam://MZXW1", "not base32"),
        (TOTP + "&algorithm=SHA224", "algorithm"),
        (TOTP + "&algorithm=MD5", "MD5 are not supported"),
        (TOTP + "&algorithm=HMAC-MD5", "MD5 are not supported"),
        (f"otpauth://yaotp/alice?secret={SECRET}", "Yandex codes are not supported"),
        (f"motp://Example:alice?secret={SECRET}", "mOTP codes are not supported"),
        ("otpauth-migration://offline?data=MZXW6YTBOI", "Google Authenticator"),
    ],
)
def test_a_refusal_says_why_and_quotes_nothing(uri: str, reason: str) -> None:
    told = refusal(uri)
    assert reason in told
    assert "MZXW" not in told
    assert "alice" not in told


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        (TOTP, True),
        (f' "{HOTP}"', True),
        ("STEAM://x", True),
        ("motp://x", True),
        ("apple-otpauth://", True),
        ("otpauth-migration://offline", True),
        ("otpauth", False),
        ("https://example.org", False),
        (f"see {TOTP}", False),
        ("", False),
    ],
)
def test_a_link_is_known_by_its_scheme(text: str, *, claims: bool) -> None:
    assert begins_like_link(text) is claims


def test_a_representation_does_not_show_the_secret() -> None:
    assert SECRET not in repr(read(TOTP))
    assert "foobar" not in repr(read(TOTP))


def written(type_: Type, issuer: str, name: str, *, counter: int = 0, digits: int = 6) -> str:
    return write(Account("u", type_, issuer, name, b"foobar", "SHA1", digits), counter)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (
            written("totp", "Big Co", "a@b.c"),
            "totp/Big%20Co:a%40b.c?secret=MZXW6YTBOI&algorithm=SHA1&digits=6&period=30&issuer=Big%20Co",
        ),
        (written("totp", "", "a,b/c"), "totp/a%2Cb%2Fc?secret=MZXW6YTBOI&algorithm=SHA1&digits=6&period=30"),
        (written("totp", "", "a:b"), "totp/:a%3Ab?secret=MZXW6YTBOI&algorithm=SHA1&digits=6&period=30"),
        (
            written("totp", "X", ""),
            "totp/X?issuer=X&secret=MZXW6YTBOI&algorithm=SHA1&digits=6&period=30",
        ),
        (
            written("totp", "A: B", "c"),
            "totp/A-%20B:c?secret=MZXW6YTBOI&algorithm=SHA1&digits=6&period=30&issuer=A-%20B",
        ),
        (
            written("hotp", "X", "y", counter=7),
            "hotp/X:y?secret=MZXW6YTBOI&algorithm=SHA1&digits=6&counter=7&issuer=X",
        ),
        (
            written("steam", "Steam", "y", digits=8),
            "steam/Steam:y?secret=MZXW6YTBOI&algorithm=SHA1&digits=5&period=30&issuer=Steam&encoder=steam",
        ),
    ],
)
def test_a_link_is_written_in_the_form_that_all_readers_take(uri: str, expected: str) -> None:
    assert uri == "otpauth://" + expected


def test_a_steam_link_has_steams_own_parameters_whatever_the_account_says() -> None:
    odd = Account("u", "steam", "Steam", "y", b"foobar", "SHA256", 8, 60)
    assert write(odd, 0) == written("steam", "Steam", "y")


names = st.text(max_size=30).map(printable)
accounts = st.builds(
    Account,
    st.just("u"),
    st.sampled_from(["totp", "hotp"]),
    names,
    names,
    st.binary(min_size=1, max_size=80),
    st.sampled_from(ALGORITHMS),
    st.sampled_from(DIGITS),
    st.sampled_from(PERIODS),
) | st.builds(Account, st.just("u"), st.just("steam"), names, names, st.binary(min_size=1), digits=st.just(5))


@given(accounts, st.sampled_from(COUNTERS))
@example(Account("u", "totp", "", "", b"x"), 0)
@example(Account("u", "totp", "null", "null", b"x"), 0)
@example(Account("u", "totp", "100%3A", "%3A+#?&=", b"x"), 0)
@example(Account("u", "totp", "", ":", b"x"), 0)
@example(Account("u", "totp", "Steam", "x", b"x", digits=6), 0)
def test_what_is_written_reads_back_the_same(before: Account, counter: int) -> None:
    assume(":" not in before.issuer)
    assume(not (before.type == "totp" and before.issuer == "Steam" and before.digits == 5))
    uri = write(before, counter)
    after = read(uri)
    if before.type == "hotp":
        assert after.account.period == 30
        assert after.counter == counter
    else:
        assert after.account.period == before.period
        assert after.counter == 0
    assert write(after.account, counter) == uri
    fields = ("uuid", "type", "issuer", "name", "secret", "algorithm", "digits")
    assert [getattr(after.account, each) for each in fields] == [getattr(before, each) for each in fields]
    assert after.secret_text == base32_encode(before.secret)
    assert after.warnings == (() if before.label else (NAMELESS,))


@given(accounts, st.sampled_from(COUNTERS))
def test_a_written_link_holds_nothing_that_needs_quoting(before: Account, counter: int) -> None:
    assert re.fullmatch(
        r"otpauth://(totp|hotp|steam)/[\w.~%:-]+\?[\w.~%&=-]+", write(before, counter), re.ASCII
    )


@given(st.text())
def test_any_text_is_a_link_or_is_refused(text: str) -> None:
    try:
        found = read(text)
    except NotOtpauth:
        return
    assert found.account.secret


PIECES = [
    "otpauth://",
    "steam://",
    "totp",
    "hotp",
    "/",
    "?",
    "&",
    "=",
    ":",
    "%3A",
    "%",
    "#",
    "+",
    "null",
    "6",
    "SHA256",
    "Steam",
]
PARAMETERS = ["secret=", "issuer=", "digits=", "period=", "counter=", "algorithm=", "encoder=steam"]
pieces = st.lists(
    st.sampled_from([*PIECES, *PARAMETERS, f"?secret={SECRET}", SECRET]) | st.text(max_size=3), max_size=20
)


@given(pieces)
def test_any_mixture_of_the_parts_of_links_is_a_link_or_is_refused(parts: list[str]) -> None:
    try:
        found = read("otpauth://totp/" + "".join(parts))
    except NotOtpauth:
        return
    # Whatever was read is an account that we can write, and that comes back.
    again = read(write(found.account, found.counter))
    assert again.account.secret == found.account.secret
    assert again.account.name == found.account.name


def test_the_issuer_stands_in_the_label_and_beside_the_secret_if_there_is_one() -> None:
    """Readers take it from either place."""
    link = write(Account("u", "totp", "Example", "alice", b"foobar"), 0)
    assert (
        link
        == f"otpauth://totp/Example:alice?secret={SECRET}&algorithm=SHA1&digits=6&period=30&issuer=Example"
    )
    assert "issuer" not in write(Account("u", "totp", "", "alice", b"foobar"), 0)


def test_a_steam_link_says_what_all_steam_codes_have() -> None:
    link = write(Account("u", "steam", "Steam", "gabe", b"foobar", "SHA256", 8, 77), 0)
    assert f"?secret={SECRET}&algorithm=SHA1&digits=5&period=30&issuer=Steam&encoder=steam" in link


def test_a_link_that_nobody_could_have_written_is_refused_before_it_is_taken_apart() -> None:
    assert "too long" in refusal(f"otpauth://totp/{'a' * 200_000}?secret={SECRET}")
