"""Accounts to be exported, of every kind that a vault can hold."""

from hypothesis import strategies as st

from appliance.transfer.export import Target, plan
from appliance.transfer.found import Found
from appliance.vault import otpauth
from appliance.vault.model import ALGORITHMS, COUNTERS, DIGITS, PERIODS, Account, base32_encode
from tests.transfer.reading import essence, read, write_means

PASSWORD = "pässword of a file"
_ODD = ":/?#&=%+,;\"'\\<>|{}[]()- .@äÄß你好🔑\u200d\u202e\t\n\r\0"
NAMES = st.text(st.sampled_from(_ODD) | st.characters(codec="utf-8"), max_size=50).map(otpauth.printable)


def _found(account: Account, counter: int, groups: tuple[str, ...]) -> Found:
    return Found(account, counter, base32_encode(account.secret), groups)


@st.composite
def founds(draw: st.DrawFn) -> Found:
    """Return an account as a vault may hold it; names are printable, as all names of a vault are."""
    type_ = draw(st.sampled_from(["totp", "totp", "totp", "hotp", "steam"]))
    plain = type_ == "steam"
    account = Account(
        uuid=str(draw(st.uuids(version=4))),
        type=type_,  # type: ignore[arg-type]
        issuer=draw(NAMES),
        name=draw(NAMES),
        secret=draw(st.binary(min_size=1, max_size=64)),
        algorithm="SHA1" if plain else draw(st.sampled_from(ALGORITHMS)),
        digits=5 if plain else draw(st.sampled_from(DIGITS)),
        period=draw(st.sampled_from((30, 30, 60, 10, 90)) | st.sampled_from(PERIODS))
        if type_ == "totp"
        else 30,
        note=draw(st.just("") | st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=40)),
        favorite=draw(st.booleans()),
    )
    counter = draw(st.sampled_from(COUNTERS)) if type_ == "hotp" else 0
    return _found(account, counter, tuple(draw(st.lists(NAMES.filter(bool), max_size=3, unique=True))))


def comes_back(target: Target, accounts: list[Found]) -> int:
    """Fail unless everything that the target can hold comes back from what is written, in its order; return how many."""
    held = plan(target, accounts).kept
    if not held:
        return 0
    password = PASSWORD if target.encrypted else None
    reading = read(*target.write(held, write_means(password or "")), password=password)
    assert not reading.skipped
    assert [essence(found) for found in reading.found] == [essence(found) for found in held]
    for found, expected in zip(reading.found, held, strict=True):
        assert found.account.note == expected.account.note
        assert found.account.favorite == expected.account.favorite
        assert set(found.group_names) == set(expected.group_names)
    return len(held)
