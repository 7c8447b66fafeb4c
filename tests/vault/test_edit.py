from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import NothingFound
from appliance.vault import document, edit
from appliance.vault.edit import Moment
from appliance.vault.merge import merge, same_content
from appliance.vault.model import COUNTERS, Account, Record, Replaced, Stamp, Vault
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
        assert record == Record(account(), stamp, edit.after(""), stamp, 7)

    def test_an_account_comes_last_and_leaves_the_others_alone(self) -> None:
        before = small_vault()
        vault = saved(edit.add(before, account(), 0, NOW))
        assert vault.ordered[-1].account == account()
        assert vault.ordered[:-1] == before.ordered
        assert vault.records[account().uuid].stamp > before.latest

    def test_a_thousand_accounts_stay_in_the_order_in_which_they_were_added(self) -> None:
        position, positions = "", []
        for _ in range(1000):
            position = edit.after(position)
            positions.append(position)
        assert positions == sorted(set(positions))
        assert max(map(len, positions)) <= 6

    @given(st.text("0123456789abcdefghijklmnopqrstuvwxyz", max_size=12))
    def test_after_any_position_comes_a_greater_one_in_the_same_alphabet(self, position: str) -> None:
        following = edit.after(position)
        assert following > position
        assert set(following) <= set("0123456789abcdefghijklmnopqrstuvwxyz")
        assert not following.endswith("0")

    @pytest.mark.parametrize(
        ("position", "following"),
        [
            ("", "0001"),
            ("0001", "0002"),
            ("000z", "001"),
            ("zzzyzz", "zzzzzz"),
            ("zzzz", "zzzzi"),
            ("zzzzzz", "zzzzzzi"),
        ],
    )
    def test_positions_are_fractions_of_six_places_until_those_are_used_up(
        self, position: str, following: str
    ) -> None:
        assert edit.after(position) == following


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
