"""What an export promises, and that a target which does not keep its promise is caught."""

from dataclasses import replace

import pytest

from appliance.errors import ApplianceError
from appliance.transfer.entry import Unusable
from appliance.transfer.export import Target, bare, plan, prove
from appliance.transfer.found import Found, Reading, Skipped
from appliance.vault.model import Account

ANNA = Found(
    Account("a", "totp", "Bank", "anna", b"s", note="hidden", favorite=True), 0, "OM", ("Home", "Work")
)
BEN = Found(Account("b", "hotp", "Wiki", "ben", b"t"), 4, "ORQ")


def target(hold: object = bare) -> Target:
    return Target("Example", ".txt", hold, lambda _accounts, _means: (b"",))  # type: ignore[arg-type]


def test_what_a_target_can_not_keep_is_named() -> None:
    planned = plan(target(), [ANNA, BEN])
    assert planned.lost == (Skipped("Bank:anna", "its note, that it is a favourite, its groups"),)
    assert planned.kept[1] == BEN
    assert not planned.complete


def test_an_account_that_it_cannot_hold_is_left_out_with_the_reason() -> None:
    def hold(found: Found) -> Found:
        if found.account.type == "hotp":
            raise Unusable("it has no HOTP")
        return found

    planned = plan(target(hold), [ANNA, BEN])
    assert planned.left_out == (Skipped("Wiki:ben", "it has no HOTP"),)
    assert planned.kept == (ANNA,)
    assert not planned.complete


def test_some_of_the_groups_and_of_a_name_are_named_as_well() -> None:
    def hold(found: Found) -> Found:
        account = replace(found.account, name=found.account.name[:2])
        return replace(found, account=account, group_names=found.group_names[:1])

    assert plan(target(hold), [ANNA]).lost[0].reason == "part of its name, all groups but one"


def test_what_only_some_releases_of_a_target_lose_is_named_too() -> None:
    cautious = replace(target(lambda found: found), risks=lambda found: ("its hue",) if found == BEN else ())
    planned = plan(cautious, [ANNA, BEN])
    assert planned.lost == (Skipped("Wiki:ben", "its hue"),)
    assert not planned.complete
    both = plan(replace(target(), risks=lambda _: ("its hue",)), [ANNA])
    assert both.lost[0].reason == "its note, that it is a favourite, its groups, its hue"


def test_a_target_that_keeps_all_is_complete() -> None:
    assert plan(target(lambda found: found), [ANNA, BEN]).complete


def reading(*found: Found, skipped: tuple[Skipped, ...] = (), missing: tuple[str, ...] = ()) -> Reading:
    return Reading("x", encrypted=False, found=found, skipped=skipped, missing=missing)


def test_an_export_is_proven_by_the_accounts_that_come_back_in_any_order() -> None:
    fresh = replace(BEN, account=replace(BEN.account, uuid="another"), secret_text="")
    prove(target(), [ANNA, BEN], lambda: reading(fresh, ANNA))


@pytest.mark.parametrize(
    "back",
    [
        reading(ANNA),
        reading(ANNA, BEN, BEN),
        reading(ANNA, replace(BEN, counter=5)),
        reading(ANNA, replace(BEN, account=replace(BEN.account, secret=b"u"))),
        reading(ANNA, replace(BEN, account=replace(BEN.account, note="n"))),
        reading(ANNA, replace(BEN, group_names=("Work",))),
        reading(ANNA, BEN, skipped=(Skipped("x", "y"),)),
        reading(ANNA, BEN, missing=("QR code 2 of 2 is missing",)),
    ],
)
def test_an_export_that_does_not_come_back_whole_is_refused(back: Reading) -> None:
    with pytest.raises(ApplianceError, match="reading it back"):
        prove(target(), [ANNA, BEN], lambda: back)
