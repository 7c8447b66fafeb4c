"""How fast HOTP counters are used up.

Each code spends a counter for good, and a service looks ahead by a few only (RFC 4226, section 7.4): whoever presses on
and on, with the buttons or from afar, would shut the owner out of the account.

Rules: a code stays for `STAYS_SECONDS`, and whoever asks for its account meanwhile sees it again. Between two new codes,
of whatever accounts, lie `PAUSE_SECONDS`. Both hold for every source, since they hold where the counter is spent.
"""

from dataclasses import dataclass
from typing import Final

from appliance.vault.model import Account, Record

STAYS_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Made:
    """A HOTP code whose counter was saved a short while ago."""

    account: Account
    counter: int
    """That made the code."""
    at: float
    """Monotonic."""


def noted(made: tuple[Made, ...], new: Made) -> tuple[Made, ...]:
    """Return what was made, with one more, and without those that no rule asks for any more."""
    return (*(one for one in made if new.at < one.at + STAYS_SECONDS), new)


def fresh(made: tuple[Made, ...], record: Record, mono: float) -> Made | None:
    """Return the code of an account that stays for now; None if there is none, or the account was changed since."""
    for one in reversed(made):
        if one.account == record.account and one.counter + 1 == record.counter:
            return one if mono < one.at + STAYS_SECONDS else None
    return None


def too_soon(made: tuple[Made, ...], mono: float) -> bool:
    """Return whether the last new code, of whatever account, was made just now."""
    return bool(made) and mono < made[-1].at + PAUSE_SECONDS
