from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import NothingFound, UsageError
from appliance.vault import document, edit, position
from appliance.vault.edit import TRASH_SECONDS, Changes, Moment, Place
from appliance.vault.membership import group_names, groups_named
from appliance.vault.merge import merge, same_content
from appliance.vault.model import COUNTERS, Account, Group, Record, Replaced, Stamp, Vault
from tests.vault.builder import LAW, small_vault
from tests.vault.strategies import vaults

NOW = Moment(1_800_000_000_000, "d0000000-0000-4000-8000-000000000001")
UNTRUSTED = Moment(None, NOW.device)
BANK, DOOR, GAMES, GONE = (f"a0000000-0000-4000-8000-00000000000{number}" for number in range(1, 5))
EMPTY = Vault("v", NOW.device, "", 0, 0)


def account(uuid: str = "a0000000-0000-4000-8000-000000000009", secret: bytes = b"new") -> Account:
    return Account(uuid, "hotp", "New", "me", secret)


def saved(vault: Vault) -> Vault:
    """Every edit must give what a file can hold."""
    assert document.load(document.dump(vault, ""), "") == vault
    return vault


class TestMoments:
    def test_a_stamp_is_later_than_everything_there(self) -> None:
        vault = small_vault()
        assert NOW.stamp(vault) == Stamp(1_800_000_000_000, 0, NOW.device)
        assert NOW.stamp(vault) > vault.latest

    def test_while_the_clock_is_not_trusted_only_the_counter_moves(self) -> None:
        vault = small_vault()
        assert UNTRUSTED.stamp(vault) == Stamp(vault.latest.ms, vault.latest.counter + 1, NOW.device)

    @LAW
    @given(vaults(), st.none() | st.integers(0, 2**45))
    def test_no_clock_makes_a_stamp_that_is_not_later(self, vault: Vault, ms: int | None) -> None:
        assert Moment(ms, "d").stamp(vault) > vault.latest


class TestAdding:
    def test_the_first_account_stands_in_an_empty_vault(self) -> None:
        vault = saved(edit.add(EMPTY, account(), 7, NOW))
        (record,) = vault.records.values()
        stamp = Stamp(1_800_000_000_000, 0, NOW.device)
        assert record == Record(account(), stamp, position.MIDDLE, stamp, 7)

    def test_an_account_comes_last_and_leaves_the_others_alone(self) -> None:
        before = small_vault()
        vault = saved(edit.add(before, account(), 0, NOW))
        assert vault.ordered[-1].account == account()
        assert vault.ordered[:-1] == before.ordered
        assert vault.records[account().uuid].stamp > before.latest

    def test_a_thousand_accounts_stay_in_the_order_in_which_they_were_added(self) -> None:
        vault, uuids = EMPTY, [f"a0000000-0000-4000-8000-{number:012x}" for number in range(1000, 0, -1)]
        for uuid in uuids:
            vault = edit.add(vault, account(uuid), 0, NOW)
        assert [record.account.uuid for record in vault.ordered] == uuids
        assert max(len(record.position) for record in vault.ordered) <= 6


class TestAltering:
    def altered(self, uuid: str, changes: Changes) -> tuple[Record, Record]:
        """Return the record before and after; nothing else may be different, and a peer must take it."""
        before = small_vault()
        vault = saved(edit.alter(before, uuid, changes, NOW))
        assert {key: vault.records[key] for key in vault.records if key != uuid} == {
            key: before.records[key] for key in before.records if key != uuid
        }
        assert (vault.trash, vault.tombstones, vault.seen) == (before.trash, before.tombstones, before.seen)
        assert same_content(merge(before, vault), vault)
        assert same_content(merge(vault, before), vault)
        return before.records[uuid], vault.records[uuid]

    @pytest.mark.parametrize(
        "changes",
        [
            Changes(issuer="Another Bank"),
            Changes(name="bob"),
            Changes(note=""),
            Changes(favorite=False),
            Changes(algorithm="SHA512"),
            Changes(digits=6),
            Changes(period=30),
            Changes(issuer="", name="bob", note="new", algorithm="SHA1", digits=7, period=15),
        ],
    )
    def test_what_is_given_changes_and_the_rest_stays(self, changes: Changes) -> None:
        before, after = self.altered(BANK, changes)
        names = ("issuer", "name", "note", "favorite", "algorithm", "digits", "period")
        wanted = {name: value for name in names if (value := getattr(changes, name)) is not None}
        assert after.account == replace(before.account, **wanted)
        assert after.stamp == NOW.stamp(small_vault())
        assert replace(after, account=before.account, stamp=before.stamp) == before

    def test_two_changes_of_different_fields_both_hold(self) -> None:
        vault = edit.alter(small_vault(), BANK, Changes(name="bob"), NOW)
        account = edit.alter(vault, BANK, Changes(note="call"), NOW).records[BANK].account
        assert (account.name, account.note) == ("bob", "call")

    def test_what_is_as_it_was_is_the_very_same_vault(self) -> None:
        vault = small_vault()
        bank = vault.records[BANK].account
        same = Changes(
            issuer=bank.issuer, secret=bank.secret, favorite=True, join=(Group("90000000", "work"),)
        )
        assert edit.alter(vault, BANK, same, NOW) is vault
        assert edit.alter(vault, DOOR, Changes(counter=41), NOW) is vault

    def test_a_replaced_secret_goes_to_the_front_of_the_history(self) -> None:
        before, after = self.altered(BANK, Changes(secret=b"the new seed"))
        assert after.account == replace(before.account, secret=b"the new seed")
        assert after.history == (Replaced(before.account.secret, before.stamp, 0), *before.history)

    def test_the_history_keeps_three_secrets(self) -> None:
        vault = small_vault()
        for number in range(5):
            vault = saved(
                edit.alter(vault, BANK, Changes(secret=b"seed %d" % number), Moment(2**41 + number, "d"))
            )
        assert [old.secret for old in vault.records[BANK].history] == [b"seed 3", b"seed 2", b"seed 1"]

    def test_a_former_secret_returns_from_the_history_with_its_counter(self) -> None:
        vault = edit.alter(small_vault(), DOOR, Changes(secret=b"another lock"), NOW)
        assert vault.records[DOOR].counter == 0
        vault = edit.spend(vault, DOOR)
        back = edit.alter(vault, DOOR, Changes(secret=b"the seed of the door"), NOW).records[DOOR]
        assert back.counter == 41
        assert [(old.secret, old.counter) for old in back.history] == [(b"another lock", 1)]

    def test_a_counter_rises_without_a_stamp(self) -> None:
        before, after = self.altered(DOOR, Changes(counter=50))
        assert after == replace(before, counter=50)

    def test_a_counter_is_set_with_the_secret_that_it_belongs_to(self) -> None:
        _, after = self.altered(DOOR, Changes(secret=b"another lock", counter=7))
        assert after.counter == 7
        assert [old.counter for old in after.history] == [41]

    def test_a_counter_never_falls(self) -> None:
        with pytest.raises(
            UsageError, match="the next code is number 41, and a counter never falls"
        ) as caught:
            edit.alter(small_vault(), DOOR, Changes(counter=40), NOW)
        assert caught.value.hint == "--counter 41 or higher"

    def test_the_counter_of_a_former_secret_never_falls_either(self) -> None:
        vault = edit.alter(small_vault(), DOOR, Changes(secret=b"another lock"), NOW)
        with pytest.raises(UsageError, match="the next code is number 41"):
            edit.alter(vault, DOOR, Changes(secret=b"the seed of the door", counter=5), NOW)

    @pytest.mark.parametrize(
        ("uuid", "changes", "words"),
        [
            (BANK, Changes(counter=1), "counter of Bank of .*a TOTP account has none"),
            (DOOR, Changes(period=60), "period of door: a HOTP account has none"),
            (GAMES, Changes(counter=1), "counter of Steam:al: a Steam account has none"),
            (GAMES, Changes(period=60), "period of Steam:al"),
            (GAMES, Changes(digits=6), "digits of Steam:al"),
            (GAMES, Changes(algorithm="SHA256"), "algorithm of Steam:al"),
        ],
    )
    def test_a_parameter_that_the_type_does_not_have_is_refused(
        self, uuid: str, changes: Changes, words: str
    ) -> None:
        with pytest.raises(UsageError, match=words) as caught:
            edit.alter(small_vault(), uuid, changes, NOW)
        assert caught.value.hint.startswith("leave out --")

    def test_hotp_has_an_algorithm_and_digits(self) -> None:
        _, after = self.altered(DOOR, Changes(algorithm="SHA512", digits=8))
        assert (after.account.algorithm, after.account.digits) == ("SHA512", 8)

    def test_an_account_keeps_at_least_one_of_its_names(self) -> None:
        with pytest.raises(UsageError, match="neither an issuer nor a name would be left"):
            edit.alter(small_vault(), DOOR, Changes(name=""), NOW)

    def test_an_account_that_never_had_a_name_can_be_changed(self) -> None:
        vault = edit.add(EMPTY, replace(account(), issuer="", name=""), 0, NOW)
        assert edit.alter(vault, account().uuid, Changes(note="x"), NOW).records[account().uuid].account.note

    @pytest.mark.parametrize("uuid", [GONE, "a0000000-0000-4000-8000-000000000009"])
    def test_what_is_not_there_cannot_be_changed(self, uuid: str) -> None:
        with pytest.raises(NothingFound, match="it is not there any more"):
            edit.alter(small_vault(), uuid, Changes(name="x"), NOW)

    @LAW
    @given(vaults(), st.data(), st.none() | st.integers(0, 2**45))
    def test_any_account_takes_a_new_secret_and_a_peer_takes_it_over(
        self, vault: Vault, data: st.DataObject, ms: int | None
    ) -> None:
        if not vault.records:
            return
        uuid = data.draw(st.sampled_from(sorted(vault.records)))
        changed = saved(edit.alter(vault, uuid, Changes(secret=b"quite new"), Moment(ms, vault.device)))
        assert changed.records[uuid].account.secret == b"quite new"
        assert changed.records[uuid].history[0].secret == vault.records[uuid].account.secret
        assert same_content(merge(vault, changed), changed)


class TestGroups:
    WORK = "90000000-0000-4000-8000-000000000001"
    HOME = Group("90000000-0000-4000-8000-000000000002", "Home")

    def test_a_group_of_a_new_name_is_made(self) -> None:
        before = small_vault()
        vault = saved(edit.alter(before, DOOR, Changes(join=(self.HOME,)), NOW))
        assert vault.groups == {**before.groups, self.HOME.uuid: self.HOME}
        assert vault.group_stamps[self.HOME.uuid] == NOW.stamp(before)
        assert group_names(vault, vault.records[DOOR].account) == ("Home",)
        assert same_content(merge(before, vault), vault)

    @pytest.mark.parametrize("name", ["Work", "WORK"])
    def test_a_group_that_is_there_is_joined(self, name: str) -> None:
        vault = saved(edit.alter(small_vault(), DOOR, Changes(join=(Group("90", name),)), NOW))
        assert vault.groups == small_vault().groups
        assert vault.records[DOOR].account.groups == (self.WORK,)

    def test_one_new_group_named_twice_is_made_once(self) -> None:
        vault = edit.alter(small_vault(), DOOR, Changes(join=(self.HOME, Group("91", "home"))), NOW)
        assert vault.groups.keys() == {self.WORK, self.HOME.uuid}

    def test_groups_stay_sorted_as_the_file_wants_them(self) -> None:
        vault = saved(edit.alter(small_vault(), BANK, Changes(join=(Group("10", "First"),)), NOW))
        assert vault.records[BANK].account.groups == ("10", self.WORK)
        assert group_names(vault, vault.records[BANK].account) == ("First", "Work")

    def test_an_account_leaves_a_group_and_the_group_stays_in_the_vault(self) -> None:
        before = small_vault()
        vault = saved(edit.alter(before, BANK, Changes(leave=("work",)), NOW))
        assert vault.records[BANK].account.groups == ()
        assert vault.groups == before.groups

    def test_an_account_put_into_a_group_elsewhere_stays_in_it_when_the_last_other_one_leaves_it(
        self,
    ) -> None:
        here = edit.alter(small_vault(), BANK, Changes(leave=("Work",)), NOW)
        there = edit.alter(small_vault(), DOOR, Changes(join=(Group("9", "Work"),)), Moment(2**41, "other"))
        assert merge(here, there).records[DOOR].account.groups == (self.WORK,)

    def test_one_group_is_left_for_another(self) -> None:
        vault = saved(edit.alter(small_vault(), BANK, Changes(join=(self.HOME,), leave=("Work",)), NOW))
        assert vault.records[BANK].account.groups == (self.HOME.uuid,)

    @pytest.mark.parametrize(("uuid", "names"), [(BANK, "its groups: Work"), (DOOR, "its groups: none")])
    def test_a_group_that_the_account_is_not_in_cannot_be_left(self, uuid: str, names: str) -> None:
        with pytest.raises(NothingFound, match=names):
            edit.alter(small_vault(), uuid, Changes(leave=("Home",)), NOW)

    def test_two_devices_groups_of_one_name_are_left_together_and_shown_once(self) -> None:
        vault = edit.alter(small_vault(), BANK, Changes(join=(Group("10", "X"),)), NOW)
        vault = replace(vault, groups={**vault.groups, "10": Group("10", "Work")})
        bank = vault.records[BANK].account
        assert groups_named(vault, "Work") == {"10", self.WORK}
        assert group_names(vault, bank) == ("Work",)
        assert edit.alter(vault, BANK, Changes(join=(Group("11", "Work"),)), NOW) is vault
        assert edit.alter(vault, BANK, Changes(leave=("Work",)), NOW).records[BANK].account.groups == ()
        alone = replace(
            vault, records={BANK: replace(vault.records[BANK], account=replace(bank, groups=(self.WORK,)))}
        )
        assert edit.alter(alone, BANK, Changes(join=(Group("11", "Work"),)), NOW) is alone
        assert edit.alter(vault, DOOR, Changes(join=(Group("11", "Work"),)), NOW).records[
            DOOR
        ].account.groups == ("10",)

    def test_case_decides_between_groups_that_differ_in_nothing_else(self) -> None:
        vault = small_vault()
        vault = replace(vault, groups={**vault.groups, "10": Group("10", "WORK")})
        assert groups_named(vault, "WORK") == {"10"}
        assert groups_named(vault, "Work") == {self.WORK}
        assert groups_named(vault, "work") == {"10", self.WORK}
        assert groups_named(vault, "Wor") == frozenset()


class TestMoving:
    def moved(self, before: Vault, uuid: str, place: Place) -> list[str]:
        vault = saved(edit.move(before, uuid, place, NOW))
        assert same_content(merge(before, vault), vault)
        for key, record in vault.records.items():
            was = before.records[key]
            assert replace(record, position=was.position, position_stamp=was.position_stamp) == was
            assert (record.position_stamp == NOW.stamp(before)) == (record.position != was.position)
        return [record.account.uuid for record in vault.ordered]

    @pytest.mark.parametrize(
        ("uuid", "place", "order"),
        [
            (GAMES, Place("first"), [GAMES, BANK, DOOR]),
            (BANK, Place("last"), [DOOR, GAMES, BANK]),
            (GAMES, Place("before", DOOR), [BANK, GAMES, DOOR]),
            (GAMES, Place("before", BANK), [GAMES, BANK, DOOR]),
            (BANK, Place("after", DOOR), [DOOR, BANK, GAMES]),
            (BANK, Place("after", GAMES), [DOOR, GAMES, BANK]),
        ],
    )
    def test_an_account_goes_where_it_is_put(self, uuid: str, place: Place, order: list[str]) -> None:
        assert self.moved(small_vault(), uuid, place) == order

    @pytest.mark.parametrize(
        ("uuid", "place"),
        [
            (BANK, Place("first")),
            (GAMES, Place("last")),
            (BANK, Place("before", DOOR)),
            (GAMES, Place("after", DOOR)),
        ],
    )
    def test_what_stands_there_already_is_the_very_same_vault(self, uuid: str, place: Place) -> None:
        vault = small_vault()
        assert edit.move(vault, uuid, place, NOW) is vault

    def test_only_the_one_that_is_moved_gets_a_new_place(self) -> None:
        before = small_vault()
        vault = edit.move(before, GAMES, Place("before", DOOR), NOW)
        assert {uuid for uuid in vault.records if vault.records[uuid] != before.records[uuid]} == {GAMES}

    def same_place(self, *positions: str) -> Vault:
        vault = small_vault()
        return replace(
            vault,
            records={
                uuid: replace(record, position=place)
                for (uuid, record), place in zip(vault.records.items(), positions, strict=True)
            },
        )

    @pytest.mark.parametrize(
        "positions", [("m", "m", "m"), ("", "", ""), ("0", "00", "000"), ("m", "m", "m0"), ("", "m", "m")]
    )
    @pytest.mark.parametrize(
        ("uuid", "place", "order"),
        [
            (GAMES, Place("first"), [GAMES, BANK, DOOR]),
            (GAMES, Place("before", DOOR), [BANK, GAMES, DOOR]),
            (BANK, Place("after", DOOR), [DOOR, BANK, GAMES]),
            (BANK, Place("last"), [DOOR, GAMES, BANK]),
        ],
    )
    def test_accounts_that_share_one_place_are_parted(
        self, positions: tuple[str, ...], uuid: str, place: Place, order: list[str]
    ) -> None:
        assert self.moved(self.same_place(*positions), uuid, place) == order

    def test_a_thousand_moves_never_run_out_of_places(self) -> None:
        vault = small_vault()
        for number in range(1000):
            uuid, other = ((BANK, GAMES), (GAMES, BANK))[number % 2]
            vault = edit.move(vault, uuid, Place("after", DOOR), Moment(2**41 + number, "d"))
            order = [record.account.uuid for record in vault.ordered]
            assert order == [DOOR, uuid, other]
        assert max(len(record.position) for record in vault.ordered) < 250
        saved(vault)

    def test_an_account_is_no_neighbour_of_itself(self) -> None:
        with pytest.raises(UsageError, match="it can't stand after itself"):
            edit.move(small_vault(), BANK, Place("after", BANK), NOW)

    @pytest.mark.parametrize(
        ("uuid", "place"),
        [(GONE, Place("first")), (BANK, Place("before", GONE)), (BANK, Place("after", "x"))],
    )
    def test_account_and_neighbour_must_be_there(self, uuid: str, place: Place) -> None:
        with pytest.raises(NothingFound, match="it is not there any more"):
            edit.move(small_vault(), uuid, place, NOW)

    @LAW
    @given(vaults(), st.data())
    def test_any_account_of_any_vault_goes_where_it_is_put(self, vault: Vault, data: st.DataObject) -> None:
        order = [record.account.uuid for record in vault.ordered]
        if len(order) < 2:
            return
        uuid, other = data.draw(st.permutations(order))[:2]
        place = data.draw(
            st.sampled_from([Place("first"), Place("last"), Place("before", other), Place("after", other)])
        )
        moved = [
            one.account.uuid
            for one in saved(edit.move(vault, uuid, place, Moment(None, vault.device))).ordered
        ]
        assert [one for one in moved if one != uuid] == [one for one in order if one != uuid]
        expected = {
            "first": 0,
            "last": len(order) - 1,
            "before": moved.index(other) - 1,
            "after": moved.index(other) + 1,
        }
        assert moved.index(uuid) == expected[place.side]


class TestReviving:
    def test_an_account_comes_back_as_it_was_and_where_it_stood(self) -> None:
        before = small_vault()
        gone = edit.remove(before, DOOR, NOW)
        vault = saved(edit.revive(gone, DOOR, NOW))
        assert vault.records[DOOR] == replace(before.records[DOOR], stamp=NOW.stamp(gone))
        assert [record.account.uuid for record in vault.ordered] == [BANK, DOOR, GAMES]
        assert DOOR not in vault.trash
        assert DOOR not in vault.tombstones
        assert same_content(merge(gone, vault), vault)
        assert same_content(merge(vault, gone), vault)

    def test_it_comes_back_while_the_clock_is_not_trusted_as_well(self) -> None:
        gone = edit.remove(small_vault(), DOOR, UNTRUSTED)
        assert DOOR in merge(gone, edit.revive(gone, DOOR, UNTRUSTED)).records

    def test_groups_that_are_gone_are_not_named_in_it(self) -> None:
        gone = replace(edit.remove(small_vault(), BANK, NOW), groups={})
        assert saved(edit.revive(gone, BANK, NOW)).records[BANK].account.groups == ()

    @pytest.mark.parametrize("uuid", [BANK, "a0000000-0000-4000-8000-000000000009"])
    def test_what_is_not_in_the_trash_cannot_come_back(self, uuid: str) -> None:
        with pytest.raises(NothingFound, match="it is not in the trash any more"):
            edit.revive(small_vault(), uuid, NOW)


class TestExpiring:
    DELETED = small_vault().tombstones[GONE].ms
    MONTH = TRASH_SECONDS * 1000

    def undated(self) -> Vault:
        """A vault whose trash was filled while nobody trusted the clock."""
        before = small_vault()
        return replace(before, tombstones={GONE: replace(before.tombstones[GONE], counter=1)})

    def test_what_lies_in_the_trash_for_thirty_days_goes_and_its_tombstone_stays(self) -> None:
        before = small_vault()
        vault = saved(edit.expire(before, Moment(self.DELETED + self.MONTH, "d")))
        assert vault == replace(before, trash={})

    def test_until_the_last_millisecond_it_stays(self) -> None:
        assert edit.expire(small_vault(), Moment(self.DELETED + self.MONTH - 1, "d")) == small_vault()

    def test_a_clock_that_is_not_trusted_ends_nothing(self) -> None:
        assert edit.expire(small_vault(), UNTRUSTED) == small_vault()

    def test_a_deletion_without_a_sure_date_begins_its_days_anew(self) -> None:
        now = Moment(self.DELETED + self.MONTH, "d")
        assert now.ms is not None
        vault = saved(edit.expire(self.undated(), now))
        assert vault.trash == small_vault().trash
        assert vault.tombstones == {GONE: Stamp(now.ms, 0, "d")}
        assert edit.expire(vault, Moment(now.ms + self.MONTH - 1, "d")) == vault
        assert edit.expire(vault, Moment(now.ms + self.MONTH, "d")).trash == {}

    def test_a_change_of_the_same_millisecond_takes_no_date_from_it(self) -> None:
        now = Moment(self.DELETED + self.MONTH, NOW.device)
        changed = edit.alter(self.undated(), BANK, Changes(name="bob"), now)
        assert edit.kept_until(edit.expire(changed, now).tombstones[GONE]) is not None

    def test_a_removal_by_a_clock_that_stood_still_is_never_cut_short(self) -> None:
        vault = edit.remove(small_vault(), BANK, UNTRUSTED)
        late = Moment(self.DELETED + 2 * self.MONTH, "d")
        assert edit.expire(vault, late).trash.keys() == {BANK}

    def test_the_date_is_told_in_seconds_if_it_is_sure(self) -> None:
        assert edit.kept_until(Stamp(1_700_000_050_000, 0, "d")) == 1_700_000_050 + 30 * 86_400
        assert edit.kept_until(Stamp(1_700_000_050_000, 1, "d")) is None

    def test_a_peer_that_still_has_it_gives_it_back_only_until_the_next_save(self) -> None:
        now = Moment(self.DELETED + self.MONTH, "d")
        for before in (small_vault(), self.undated()):
            once = edit.expire(before, now)
            assert same_content(edit.expire(merge(once, before), now), once)

    @LAW
    @given(vaults(), st.integers(0, 2**45))
    def test_only_the_trash_of_any_vault_grows_smaller(self, vault: Vault, ms: int) -> None:
        result = saved(edit.expire(vault, Moment(ms, vault.device)))
        assert replace(result, trash=vault.trash, tombstones=vault.tombstones) == vault
        assert result.tombstones.keys() == vault.tombstones.keys()
        assert result.trash.items() <= vault.trash.items()
        assert all(result.tombstones[uuid] >= stamp for uuid, stamp in vault.tombstones.items())
        assert edit.expire(result, Moment(ms, vault.device)) == result


class TestRemoving:
    def test_an_account_goes_to_the_trash_with_a_tombstone_later_than_itself(self) -> None:
        before = small_vault()
        vault = saved(edit.remove(before, BANK, NOW))
        assert BANK not in vault.records
        assert vault.trash[BANK] == before.records[BANK]
        assert vault.tombstones[BANK] == NOW.stamp(before)
        assert vault.trash[GONE] == before.trash[GONE]
        assert vault.tombstones[GONE] == before.tombstones[GONE]
        assert vault.records.keys() == {DOOR, GAMES}
        assert same_content(merge(vault, before), vault)

    def test_while_the_clock_is_not_trusted_it_goes_as_well(self) -> None:
        before = small_vault()
        assert BANK not in merge(before, saved(edit.remove(before, BANK, UNTRUSTED))).records

    @pytest.mark.parametrize("uuid", [GONE, "a0000000-0000-4000-8000-000000000009"])
    def test_what_is_not_there_cannot_be_removed(self, uuid: str) -> None:
        with pytest.raises(NothingFound, match="it is not there any more"):
            edit.remove(small_vault(), uuid, NOW)


class TestSpending:
    def test_a_code_is_used_up_and_nothing_else_changes(self) -> None:
        before = small_vault()
        vault = saved(edit.spend(before, DOOR))
        assert vault.records[DOOR] == replace(before.records[DOOR], counter=42)
        assert replace(vault, records=before.records) == before

    def test_the_counter_stops_at_its_end(self) -> None:
        vault = small_vault()
        last = replace(vault.records[DOOR], counter=COUNTERS[-1] - 1)
        vault = saved(edit.spend(replace(vault, records={**vault.records, DOOR: last}), DOOR))
        assert vault.records[DOOR].counter == 2**31 - 1
        with pytest.raises(NothingFound, match="can't make a code of door: its counter is at its end"):
            edit.spend(vault, DOOR)

    def test_what_is_not_there_cannot_be_spent(self) -> None:
        with pytest.raises(NothingFound, match="it is not there any more"):
            edit.spend(small_vault(), GONE)


class TestTakingOver:
    older = small_vault(generation=2)

    def changed(self) -> Vault:
        """Since then the bank has another seed, the door was opened, the games went, something is new."""
        vault = edit.spend(replace(self.older, generation=4), DOOR)
        bank = vault.records[BANK]
        renewed = replace(
            bank,
            account=replace(bank.account, secret=b"the later seed", issuer="Bank"),
            stamp=NOW.stamp(vault),
            history=(Replaced(bank.account.secret, bank.stamp, 0), *bank.history),
        )
        vault = replace(vault, records={**vault.records, BANK: renewed})
        return edit.add(edit.remove(vault, GAMES, NOW), account(), 0, NOW)

    def test_what_is_the_same_stays_as_it_is(self) -> None:
        assert edit.take_over(self.older, self.older, NOW, exact=True) == self.older

    @pytest.mark.parametrize("moment", [NOW, UNTRUSTED])
    def test_what_differs_comes_back_as_an_edit_of_today(self, moment: Moment) -> None:
        before = self.changed()
        vault = saved(edit.take_over(before, self.older, moment, exact=False))
        bank = vault.records[BANK]
        assert bank.account == self.older.records[BANK].account
        assert bank.stamp > before.latest
        assert bank.position_stamp == bank.stamp
        assert vault.generation == 4
        # A peer that still has yesterday's state takes it as well, whoever merges into whom.
        assert merge(before, vault).records[BANK].account == bank.account
        assert merge(vault, before).records[BANK].account == bank.account

    def test_the_seed_that_it_replaces_goes_into_the_history(self) -> None:
        vault = edit.take_over(self.changed(), self.older, NOW, exact=False)
        assert [old.secret for old in vault.records[BANK].history] == [b"the later seed", b"the old seed"]

    def test_what_was_deleted_revives(self) -> None:
        vault = saved(edit.take_over(self.changed(), self.older, NOW, exact=False))
        assert vault.records[GAMES].account == self.older.records[GAMES].account
        assert GAMES not in vault.trash
        assert GAMES in merge(self.changed(), vault).records

    def test_what_expired_from_the_trash_revives_as_well(self) -> None:
        before = self.changed()
        before = replace(before, trash={})
        assert GAMES in edit.take_over(before, self.older, NOW, exact=False).records

    def test_a_hotp_counter_never_falls(self) -> None:
        before = self.changed()
        vault = edit.take_over(before, self.older, NOW, exact=True)
        assert vault.records[DOOR].counter == 42
        renamed = replace(
            before.records[DOOR], account=replace(before.records[DOOR].account, name="gate"), counter=99
        )
        before = replace(before, records={**before.records, DOOR: renamed})
        back = edit.take_over(before, self.older, NOW, exact=False).records[DOOR]
        assert (back.account.name, back.counter) == ("door", 99)

    def test_what_the_older_one_lacks_stays(self) -> None:
        assert account().uuid in edit.take_over(self.changed(), self.older, NOW, exact=False).records

    def test_unless_exactly_the_older_one_is_wanted(self) -> None:
        vault = saved(edit.take_over(self.changed(), self.older, NOW, exact=True))
        assert vault.records.keys() == self.older.records.keys()
        assert account().uuid in vault.trash

    def test_groups_that_are_gone_are_not_named(self) -> None:
        before = replace(self.changed(), groups={})
        before = replace(
            before,
            records={
                uuid: replace(record, account=replace(record.account, groups=()))
                for uuid, record in before.records.items()
            },
        )
        assert saved(edit.take_over(before, self.older, NOW, exact=False)).records[BANK].account.groups == ()

    @LAW
    @given(vaults(), vaults(), st.none() | st.integers(0, 2**45), st.booleans())
    def test_any_vault_taken_over_gives_its_accounts(
        self,
        vault: Vault,
        older: Vault,
        ms: int | None,
        exact: bool,  # noqa: FBT001
    ) -> None:
        result = saved(edit.take_over(vault, older, Moment(ms, vault.device), exact=exact))
        for uuid, record in older.records.items():
            taken = result.records[uuid].account
            assert replace(taken, groups=()) == replace(record.account, groups=())
            assert set(taken.groups) == set(record.account.groups) & vault.groups.keys()
        if exact:
            assert result.records.keys() == older.records.keys()
        else:
            assert result.records.keys() == vault.records.keys() | older.records.keys()


def test_what_is_to_change_shows_neither_secret_nor_note() -> None:
    shown = repr(Changes(secret=b"the new seed", note="ask for Mr Smith"))
    assert "the new seed" not in shown
    assert "Mr Smith" not in shown


def test_counters_are_raised_and_never_lowered_and_what_is_gone_stays_gone() -> None:
    vault = small_vault()
    door = vault.ordered[1].account.uuid
    assert edit.raise_counters(vault, {door: 50, "gone": 3}).records[door].counter == 50
    assert edit.raise_counters(vault, {door: 40}) == vault
    assert edit.raise_counters(vault, {"gone": 3}) == vault
