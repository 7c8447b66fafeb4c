"""Every export comes back through our own reader, without loss of what its target can hold."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.transfer.found import Found
from appliance.transfer.registry import TARGETS
from tests.transfer.accounts import comes_back, founds

EVERY = pytest.mark.parametrize("name", TARGETS)
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck))


@EVERY
def test_generated_vaults_come_back(name: str) -> None:
    @settings(SLOW, max_examples=15)
    @given(st.lists(founds(), min_size=1, max_size=12))
    def check(accounts: list[Found]) -> None:
        comes_back(TARGETS[name], accounts)

    check()


@pytest.mark.long
@EVERY
def test_a_thousand_generated_vaults_come_back(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    kept = 0

    @settings(SLOW, max_examples=1000)
    @given(st.lists(founds(), min_size=1, max_size=8))
    def check(accounts: list[Found]) -> None:
        nonlocal kept
        kept += comes_back(TARGETS[name], accounts)

    check()
    with capsys.disabled():
        print(f"\n{name}: {kept} accounts of 1,000 vaults came back")
