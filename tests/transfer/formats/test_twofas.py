"""2FAS: where names and issuers are found, wrong passwords and damage, and what its apps would lose."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import CannotRead, FileDamaged, PasswordMissing, WrongPassphrase
from appliance.transfer import registry
from appliance.transfer.entry import Unusable
from appliance.transfer.export import plan
from appliance.transfer.formats import twofas
from appliance.transfer.found import Found, Reading
from appliance.vault.model import Account
from tests.transfer.accounts import PASSWORD as OURS
from tests.transfer.accounts import comes_back, founds
from tests.transfer.reading import contents, essences, means, write_means
from tests.transfer.samples import SECRET, totp
from tests.transfer.samples.twofas import (
    ANDROID,
    EXPECTED,
    GROUP,
    PASSWORD,
    REFERENCE,
    SALT,
    file,
    parts,
    service,
)

SERVICES = json.dumps(ANDROID)
HELD = Found(Account("u", "totp", "Bank", "anna", b"a secret"), 0, "MEQHGZLDOJSXI", ("Home", "Work"))


def read(content: bytes, password: str | None = None) -> Reading:
    return twofas.read(contents(content), means(password))


def one(name: str, **otp: Any) -> Account:
    (found,) = read(file([service(name, **otp)])).found
    return found.account


@pytest.mark.parametrize(
    ("content", "recognised"),
    [
        (b'{"schemaVersion":1,"services":[]}', True),
        (b'{"schemaVersion":4,"servicesEncrypted":""}', True),
        (b'{"schemaVersion":4}', False),
        (b'{"services":[]}', False),
        (b'["schemaVersion","services"]', False),
    ],
)
def test_a_backup_is_recognised_by_its_schema_and_services(content: bytes, *, recognised: bool) -> None:
    assert twofas.recognises(contents(content)[0], means()) is recognised


@pytest.mark.parametrize(
    ("name", "otp", "issuer", "account"),
    [
        ("Bank", {"issuer": "Acme", "account": "anna", "label": "Acme:old"}, "Acme", "anna"),
        ("Bank", {"account": "anna"}, "Bank", "anna"),
        ("Bank", {"issuer": None, "account": None, "label": "Acme:anna"}, "Bank", "anna"),
        ("Bank", {"issuer": " ", "account": " ", "label": "anna"}, "Bank", "anna"),
        ("Bank", {"label": "Bank"}, "Bank", "Bank"),
        ("Bank", {"link": "otpauth://totp/Acme%3Aanna%40b?secret=[hidden]&issuer=Acme"}, "Bank", "anna@b"),
        ("Bank", {"link": "otpauth://totp/a b#c?x"}, "Bank", "a b#c"),
        ("Bank", {"link": "nonsense"}, "Bank", ""),
        ("Bank", {"label": "", "link": "otpauth://totp/anna?x"}, "Bank", "anna"),
        ("Bank", {"label": "", "account": "", "link": "otpauth://totp/Bank:anna?x"}, "Bank", "anna"),
        ("Bank", {"label": "", "account": "", "link": ""}, "Bank", ""),
        ("anna", {"issuer": "", "account": "anna"}, "", "anna"),
        ("anna", {"account": "anna"}, "anna", "anna"),
        ("Bank", {"issuer": "", "account": "anna"}, "Bank", "anna"),
    ],
)
def test_names_are_found_wherever_an_app_left_them(
    name: str, otp: dict[str, Any], issuer: str, account: str
) -> None:
    found = one(name, **otp)
    assert (found.issuer, found.name) == (issuer, account)


@pytest.mark.parametrize(
    ("otp", "type_"),
    [
        ({"tokenType": "TOTP", "issuer": "Steam", "digits": 5}, "steam"),
        ({"tokenType": "TOTP", "issuer": "steam ", "digits": 5}, "steam"),
        ({"issuer": "Steam", "digits": 5}, "steam"),
        ({"tokenType": "TOTP", "issuer": "Steam", "digits": 6}, "totp"),
        ({"tokenType": "TOTP", "issuer": "Steam"}, "totp"),
        ({"tokenType": "TOTP", "issuer": "Bank", "digits": 5}, "totp"),
        ({"tokenType": "HOTP", "issuer": "Steam", "digits": 5}, "hotp"),
    ],
)
def test_steam_is_also_known_by_its_name_and_five_digits(otp: dict[str, Any], type_: str) -> None:
    """OTPClient has no type of its own for it."""
    assert one("Steam", **otp).type == type_


def test_an_absurd_link_is_not_decoded_to_its_end() -> None:
    assert len(one("Bank", link="otpauth://totp/" + "%20a" * 2_000_000).name) < 4_000


def test_a_secret_that_ios_blanked_out_in_the_link_does_not_matter() -> None:
    link = "otpauth://totp/a?secret=[hidden]"
    assert essences(read(file([service("Bank", account="a", link=link)]))) == (totp("Bank", "a", SECRET),)


def test_an_account_is_in_the_group_that_it_names() -> None:
    reading = read(file([service("a", group=GROUP), service("b", group="gone"), service("c")]))
    assert [each.group_names for each in reading.found] == [("Work",), (), ()]


@pytest.mark.parametrize(
    "odd", [[None], [[]], [{}], [{"id": [], "name": "a"}], [{"id": GROUP}], [{"id": GROUP, "name": 7}]]
)
def test_odd_groups_cost_no_account(odd: list[Any]) -> None:
    assert read(file([service("a", group=GROUP)], groups=odd)).found[0].group_names == ()


@pytest.mark.parametrize(
    ("otp", "reason"),
    [
        ({"algorithm": "SHA224"}, "the algorithm is none of SHA1, SHA256 and SHA512"),
        ({"algorithm": "MD5"}, "codes made with MD5 are not supported"),
        ({"period": 0}, "the period in seconds is not between 1 and 86400"),
        ({"tokenType": "PUSH"}, "its type is none of TOTP, HOTP and Steam"),
    ],
)
def test_a_service_that_cannot_be_used_costs_only_itself(otp: dict[str, Any], reason: str) -> None:
    bad = [service("Bad", account="anna", **otp), "no service", service("Bad", account=["anna"])]
    reading = read(file([*bad, service("Good")]))
    assert [(each.name, each.reason) for each in reading.skipped] == [
        ("Bad:anna", reason),
        ("entry 2", "it is not an object"),
        ("entry 3", "its account is not a text"),
    ]
    assert [each.account.issuer for each in reading.found] == ["Good"]


@pytest.mark.parametrize("schema", [5, 99])
def test_a_newer_schema_is_refused_by_its_number(schema: int) -> None:
    with pytest.raises(CannotRead, match=f"its schema version is {schema}, and up to 4 can be read"):
        read(file(ANDROID, schema))


def encrypted(services: str, reference: str | None) -> bytes:
    return file([], servicesEncrypted=services, reference=reference)


GOOD = parts(SERVICES, salt=SALT)
CHANGED = GOOD.replace(GOOD[:4], "AAAA", 1)
RIGHT = parts(REFERENCE, salt=SALT)


def test_an_encrypted_backup_opens_with_its_password_only() -> None:
    content = encrypted(GOOD, RIGHT)
    assert essences(read(content, PASSWORD)) == EXPECTED
    with pytest.raises(PasswordMissing):
        read(content)
    with pytest.raises(WrongPassphrase) as caught:
        read(content, PASSWORD + " ")
    assert caught.value.why == "wrong password"


def test_the_reference_tells_damage_from_a_wrong_password() -> None:
    with pytest.raises(FileDamaged, match="the password is right"):
        read(encrypted(CHANGED, RIGHT), PASSWORD)
    with pytest.raises(WrongPassphrase) as caught:
        read(encrypted(CHANGED, RIGHT), "another")
    assert caught.value.why == "wrong password"


@pytest.mark.parametrize("reference", [None, "", "x", "AA==:AA==", "::", ":".join(RIGHT.split(":")[::-1])])
def test_services_that_open_need_no_reference(reference: str | None) -> None:
    assert essences(read(encrypted(GOOD, reference), PASSWORD)) == EXPECTED


@pytest.mark.parametrize("reference", [None, "", "x", "AA==:AA=="])
def test_without_a_reference_a_wrong_password_may_be_damage(reference: str | None) -> None:
    with pytest.raises(WrongPassphrase) as caught:
        read(encrypted(CHANGED, reference), PASSWORD)
    assert caught.value.why == "wrong password, or the file is damaged"


@pytest.mark.parametrize(
    "services",
    ["", "x", "AAAA:AAAA", "AA AA!:AAAA:AAAA", f"{GOOD}:AAAA", GOOD.replace("=", ""), "ä:AAAA:AAAA"],
)
def test_an_encrypted_field_without_its_three_parts_is_damaged(services: str) -> None:
    with pytest.raises(FileDamaged, match="three parts"):
        read(encrypted(services, RIGHT), PASSWORD)


@pytest.mark.parametrize("services", ["", "{}", "null", "[", "[" * 100_000])
def test_encrypted_services_that_are_no_list_are_damaged(services: str) -> None:
    with pytest.raises(FileDamaged, match="its services are no list"):
        read(encrypted(parts(services), RIGHT), PASSWORD)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"services": {}}, "its services is not a list"),
        ({"groups": 7}, "its groups is not a list"),
        ({"schemaVersion": "x"}, "its schemaVersion is not a whole number"),
        ({"servicesEncrypted": [1]}, "its servicesEncrypted is not a text"),
    ],
)
def test_a_file_that_is_put_together_wrongly_is_damaged(more: dict[str, Any], why: str) -> None:
    with pytest.raises(FileDamaged, match=why):
        read(json.dumps(json.loads(file(ANDROID)) | more).encode())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"digits": 4}, "5 to 8 digits"),
        ({"digits": 9}, "5 to 8 digits"),
        ({"period": 45}, "periods of 10, 30, 60 and 90 seconds"),
        ({"secret": b"a"}, "2 to 320 bytes"),
        ({"secret": bytes(321)}, "2 to 320 bytes"),
    ],
)
def test_what_the_apps_would_show_wrong_or_drop_is_left_out(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        twofas.hold(replace(HELD, account=replace(HELD.account, **change)))


@pytest.mark.parametrize("period", [10, 30, 60, 90])
@pytest.mark.parametrize("digits", [5, 6, 7, 8])
def test_what_the_apps_know_is_held(period: int, digits: int) -> None:
    account = replace(HELD.account, period=period, digits=digits)
    assert twofas.hold(replace(HELD, account=account)).account == account


def test_a_period_does_not_matter_without_a_clock() -> None:
    account = replace(HELD.account, type="hotp")
    assert twofas.hold(replace(HELD, account=account, counter=9)).counter == 9


def test_the_first_group_is_held_and_note_and_favourite_are_not() -> None:
    account = replace(HELD.account, note="a note", favorite=True)
    made = plan(registry.TARGETS["2fas"], [replace(HELD, account=account)])
    assert made.kept[0].group_names == ("Home",)
    assert [each.reason for each in made.lost] == ["its note, that it is a favourite, all groups but one"]


@given(st.lists(founds(), min_size=1, max_size=4))
def test_accounts_come_back_from_a_plain_backup(accounts: list[Found]) -> None:
    comes_back(registry.TARGETS["2fas-plain"], accounts)


@given(st.lists(founds(), min_size=1, max_size=4))
def test_accounts_come_back_from_an_encrypted_backup(accounts: list[Found]) -> None:
    comes_back(registry.TARGETS["2fas"], accounts)


@given(founds())
def test_names_are_never_lost(found: Found) -> None:
    try:
        held = twofas.hold(found)
    except Unusable:
        return
    assert (held.account.issuer, held.account.name) == (found.account.issuer, found.account.name)


def test_a_backup_has_all_that_either_app_asks_for() -> None:
    """The app for iOS refuses a whole file for a missing icon, order, source or group state."""
    (content,) = twofas.write([twofas.hold(HELD)], write_means(OURS))
    backup = json.loads(content)
    (group,) = backup["groups"]
    assert backup["services"] == []
    assert (backup["schemaVersion"], backup["appOrigin"], group["isExpanded"]) == (4, "android", True)
    services, reference = (backup[name].split(":") for name in ("servicesEncrypted", "reference"))
    assert services[1] == reference[1]
    assert services[2] != reference[2]
    (plain,) = twofas.write_plain([twofas.hold(HELD)], write_means())
    backup = json.loads(plain)
    (made,) = backup["services"]
    assert made["groupId"] == backup["groups"][0]["id"]
    assert made["name"]
    assert made["order"] == {"position": 0}
    assert made["otp"]["source"] == "Manual"
    assert made["icon"]["iconCollection"]["id"]


def test_a_reference_that_is_written_tells_damage_too() -> None:
    (content,) = twofas.write([twofas.hold(HELD)], write_means(OURS))
    backup = json.loads(content)
    backup["servicesEncrypted"] = "AAAA" + backup["servicesEncrypted"][4:]
    with pytest.raises(FileDamaged, match="the password is right"):
        read(json.dumps(backup).encode(), OURS)
