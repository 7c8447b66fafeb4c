"""Which backups a restore takes, of all that lies at a broker: anybody may have written it.

Rules:

1. Nothing is believed because of a number: not an epoch, not a generation, not a date. One key wins, the one that
   the others vouch for as coming after them (`proof.py`), and only what it seals is merged.
2. A derivation takes a second on a small Pi. Each header is derived once at most: what our own releases write first,
   then by rising cost; keys that others vouch for before those others; and no more than `BUDGET` in all.
3. What can't be afforded or opened is left aside and named. It never ends a restore that something else could serve.
4. A device that left the vault (`removed`) is ignored, whoever of the others says so, unless a person names it.

`open_all` is the only thing here that takes time. What it costs is the caller's, who hands in `unlock`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Final

from appliance.errors import (
    ApplianceError,
    MemoryShort,
    NothingFound,
    VaultDamaged,
    VaultTooNew,
    WrongPassphrase,
)
from appliance.vault import keys, proof, sealed
from appliance.vault.merge import merge, refuse_ahead
from appliance.vault.model import Vault
from appliance.vault.retained import Message
from appliance.vault.sealed import Envelope

DEVICES: Final = 16
"""Of one vault that are looked into."""
LATE: Final = 4
"""Messages of one device that came late and are looked into, beside its backup and history."""
LOOKS: Final = 256
"""Messages that are parsed; a proof of many keys takes a Zero 2 W a tenth of a second."""
STANDARD: Final = keys.SCRYPT_N * keys.SCRYPT_P
"""What one derivation costs of those that our releases write."""
BUDGET: Final = DEVICES * STANDARD
"""Of derivations, in the same unit; half a minute on a Zero 2 W. One more may end beyond it."""

EARLIER: Final = "it is from before the passphrase or the recovery key was changed"

Chains = frozenset[tuple[str, ...]]
"""Public keys, oldest first, where each vouches for the next."""
Unlock = Callable[[bytes], tuple[Vault, Envelope, bytes]]
"""Opens a backup with what a person entered: (vault, envelope, master key). One derivation for each header.

Raises WrongPassphrase, MemoryShort, VaultDamaged, VaultTooNew.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message whose form is right, so that it could be opened."""

    message: Message
    envelope: Envelope

    @property
    def public(self) -> str:
        """The signing key that its proof ends with; empty without one."""
        return self.envelope.proof.public if self.envelope.proof else ""

    def cost(self, *, recovery: bool) -> int:
        """What trying to open it costs; `recovery`: a recovery key was entered, and both slots are tried."""
        passphrase, paper = self.envelope.slots
        return passphrase.n * passphrase.p + (paper.n * paper.p if recovery else 0)


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup that was opened."""

    message: Message
    vault: Vault = field(repr=False)
    envelope: Envelope
    master: bytes = field(repr=False)

    @property
    def public(self) -> str:
        """Its signing key, whether or not it has a proof."""
        return proof.public_key(self.master, self.vault.id)


@dataclass(frozen=True, slots=True)
class Left:
    """A message that is left aside."""

    message: Message
    why: str


@dataclass(frozen=True, slots=True)
class Openings:
    """What became of all messages."""

    opened: tuple[Opened, ...]
    left: tuple[Left, ...]
    error: ApplianceError | None
    """The first reason for which one stays closed."""
    chains: Chains


@dataclass(frozen=True, slots=True)
class Restored:
    """One vault made of several messages, and the file whose header and key it goes on with."""

    vault: Vault = field(repr=False)
    newest: Opened
    merged: tuple[Opened, ...]
    left: tuple[Left, ...]


# --- what to look into


def candidates(
    messages: Iterable[Message], prefer: frozenset[str] = frozenset()
) -> tuple[tuple[Candidate, ...], tuple[Left, ...], ApplianceError | None]:
    """Return what could be opened, what is left aside, and the first error met.

    Looks into `DEVICES` devices at most; those of `prefer` come first. Nothing is derived.
    """
    found: list[Candidate] = []
    left: list[Left] = []
    first: ApplianceError | None = None
    counts: dict[str, int] = {}
    ordered = sorted(messages, key=lambda one: (one.device not in prefer, one.device, one.kind))
    for place, message in enumerate(ordered):
        try:
            if message.device and place >= LOOKS:
                raise _crowded()
            envelope = sealed.read(message.payload)
            _check_place(message, envelope)
            _count(message, counts)
        except (VaultDamaged, VaultTooNew) as error:
            first = first or error
            left.append(Left(message, error.why))
        else:
            found.append(Candidate(message, envelope))
    return tuple(found), tuple(left), first


def _count(message: Message, counts: dict[str, int]) -> None:
    """Count a message of good form. Raises VaultDamaged if it is one too many; a person names files as he likes."""
    if not message.device:
        return
    if message.device not in counts and len(counts) == DEVICES:
        raise _crowded()
    late = counts.setdefault(message.device, 0) + message.kind.startswith("late/")
    counts[message.device] = late
    if late > LATE:
        raise _crowded()


def _crowded() -> VaultDamaged:
    return VaultDamaged("can't restore", "there are too many: name it with --device", "--device ID")


def _check_place(message: Message, envelope: Envelope) -> None:
    claimed = envelope.proof
    if message.vault and claimed and (claimed.vault, claimed.device) != (message.vault, message.device):
        raise _misplaced()


def _misplaced() -> VaultDamaged:
    return VaultDamaged(
        "can't restore", "it belongs to another vault or device than its topic says", "look at the broker"
    )


def chains_of(found: Iterable[Candidate]) -> Chains:
    """Return the chains of keys that the proofs hold; anybody can check them, and only the keys could make them."""
    proofs = [one.envelope.proof for one in found]
    return frozenset(tuple(key.public for key in each.keys) for each in proofs if each is not None)


def outranks(later: str, earlier: str, chains: Chains) -> bool:
    """Return whether one public key comes after another one, by the word of that other one."""
    return any(
        later in chain and earlier in chain and chain.index(earlier) < chain.index(later) for chain in chains
    )


# --- opening


@dataclass(frozen=True, slots=True)
class _Header:
    """Messages that one derivation opens."""

    found: tuple[Candidate, ...]
    cost: int

    @property
    def publics(self) -> frozenset[str]:
        """The keys that its messages claim."""
        return frozenset(one.public for one in self.found)

    def behind(self, public: str, chains: Chains) -> bool:
        """Return whether all that it can hold comes before a key, or is sealed under it with another header."""
        return all(mine and (mine == public or outranks(public, mine, chains)) for mine in self.publics)

    def ahead(self, public: str, chains: Chains) -> bool:
        """Return whether it may hold a key that comes after another one."""
        return any(outranks(mine, public, chains) for mine in self.publics)


def open_all(
    messages: Iterable[Message], unlock: Unlock, *, prefer: frozenset[str], recovery: bool
) -> Openings:
    """Open what decides and what may be merged, and leave the rest aside. Raises nothing but bugs.

    `recovery`: a recovery key was entered. A header whose keys all come before one that opened is not derived. A
    header that is not related to it is, but only at what our releases write: two keys that both open and are strangers
    to each other are a person's to decide about (`winners`).
    """
    found, left, error = candidates(messages, prefer)
    openings = Openings((), left, error, chains_of(found))
    spent = 0
    for header in _ordered(found, openings.chains, prefer, recovery=recovery):
        if (why := _spared(header, openings, spent, recovery=recovery)) is not None:
            aside = tuple(Left(one.message, why) for one in header.found)
            openings = replace(openings, left=openings.left + aside)
            continue
        spent += header.cost
        openings = _opened(header, openings, unlock)
    return openings


def _ordered(
    found: Sequence[Candidate], chains: Chains, prefer: frozenset[str], *, recovery: bool
) -> list[_Header]:
    heads: dict[str, list[Candidate]] = {}
    for one in found:
        heads.setdefault(one.envelope.head, []).append(one)
    headers = [_Header(tuple(group), group[0].cost(recovery=recovery)) for group in heads.values()]

    before = _before(chains)

    def rank(header: _Header) -> tuple[bool, int, int]:
        longest = max(before.get(mine, 0) for mine in header.publics)
        preferred = any(one.message.device in prefer for one in header.found)
        return not preferred, max(header.cost, _standard(recovery=recovery)), -longest

    return sorted(headers, key=rank)


def _before(chains: Chains) -> dict[str, int]:
    """Return how many keys come before each: of two keys of one chain the later one has more."""
    longest: dict[str, int] = {}
    for chain in chains:
        for place, public in enumerate(chain):
            longest[public] = max(place, longest.get(public, 0))
    return longest


def _standard(*, recovery: bool) -> int:
    return STANDARD * (2 if recovery else 1)


def _spared(header: _Header, openings: Openings, spent: int, *, recovery: bool) -> str | None:
    """Return why a header is not worth a derivation; None: it is."""
    publics = {one.public for one in openings.opened}
    if any(header.behind(public, openings.chains) for public in publics):
        return EARLIER
    if spent >= BUDGET:
        return "too many others had to be tried: name it with --device"
    strange = publics and not any(header.ahead(public, openings.chains) for public in publics)
    if strange and header.cost > _standard(recovery=recovery):
        return "it costs more to open than what this program writes, and another one opened"
    return None


def _opened(header: _Header, openings: Openings, unlock: Unlock) -> Openings:
    opened, left, first = list(openings.opened), list(openings.left), openings.error
    for place, one in enumerate(header.found):
        try:
            vault, envelope, master = unlock(one.message.payload)
            if one.message.vault and (vault.id, vault.device) != (one.message.vault, one.message.device):
                raise _misplaced()
        except (WrongPassphrase, MemoryShort) as error:
            first = first or error
            left += [Left(other.message, error.why) for other in header.found[place:]]
            break
        except (VaultDamaged, VaultTooNew) as error:
            first = first or error
            left.append(Left(one.message, error.why))
        else:
            opened.append(Opened(one.message, vault, envelope, master))
    return replace(openings, opened=tuple(opened), left=tuple(left), error=first)


# --- deciding


def winners(opened: Sequence[Opened], chains: Chains) -> tuple[tuple[Opened, ...], ...]:
    """Return what was opened under each key that no other opened key comes after.

    One group is the usual case. Several are strangers to each other, and nothing here can tell which is right.
    """
    publics = dict.fromkeys(one.public for one in opened)
    last = [mine for mine in publics if not any(outranks(other, mine, chains) for other in publics)]
    return tuple(tuple(one for one in opened if one.public == mine) for mine in last)


def of_device(groups: Sequence[tuple[Opened, ...]], device: str) -> tuple[Opened, ...] | None:
    """Return the group that a device's own backup belongs to, or else what came late; None: neither decides."""
    for kinds in (("backup",), ()):
        fits = [
            group
            for group in groups
            if any(one.vault.device == device and (not kinds or one.message.kind in kinds) for one in group)
        ]
        if len(fits) == 1:
            return fits[0]
    return None


def successors(group: Sequence[Opened], openings: Openings) -> tuple[Left, ...]:
    """Return what stays closed and is sealed under a key that comes after the winning one: it was changed since.

    Whoever holds the winning key can make such a thing, too.
    """
    public = group[0].public
    found, _, _ = candidates(left.message for left in openings.left)
    return tuple(
        Left(one.message, "it is sealed under a later key: the passphrase was changed since")
        for one in found
        if outranks(one.public, public, openings.chains)
    )


def unite(group: Sequence[Opened], named: frozenset[str], ms: int | None) -> Restored:
    """Return one vault of all that the winning key seals.

    Left aside are devices that any of them calls removed, but for those that a person named, and states dated more than
    a day after `ms`, Unix milliseconds (None: the time is not known). Raises NothingFound if nothing is left.
    """
    removed = frozenset[str]().union(*(one.vault.removed for one in group))
    kept: list[Opened] = []
    left: list[Left] = []
    for one in group:
        why = _gone(one.vault, group) if one.vault.device in removed - named else _ahead(one.vault, ms)
        if why is None:
            kept.append(one)
        else:
            left.append(Left(one.message, why))
    if not kept:
        raise NothingFound(
            "can't restore", f"all is left aside: {left[0].why}", "name the right device with --device"
        )
    newest = max(kept, key=lambda one: (one.vault.saved_at, one.vault.generation))
    vault = reduce(merge, (one.vault for one in kept), newest.vault)
    return Restored(replace(vault, removed=vault.removed | removed), newest, tuple(kept), tuple(left))


def _gone(vault: Vault, group: Sequence[Opened]) -> str:
    # By whom: a device that was stolen can say so of all others.
    by = dict.fromkeys(f"'{one.vault.name}'" for one in group if vault.device in one.vault.removed)
    return f"'{vault.name}' was removed from the vault, says {', '.join(by)}"


def _ahead(vault: Vault, ms: int | None) -> str | None:
    try:
        refuse_ahead(vault, ms)
    except ApplianceError as error:
        return error.why
    return None


def of_generation(group: Sequence[Opened], generation: int, named: frozenset[str]) -> Vault:
    """Return the state of a generation, of a named device before others. Raises NothingFound."""
    fits = [one.vault for one in group if one.vault.generation == generation]
    if not fits:
        has = ", ".join(str(one) for one in sorted({one.vault.generation for one in group}))
        raise NothingFound("can't restore", f"there is no generation {generation}", f"there are {has}")
    return next((vault for vault in fits if vault.device in named), fits[0])


# --- what an old key still opens


@dataclass(frozen=True, slots=True)
class Exposed:
    """A message that opens with a key which is about to be replaced."""

    device: str
    name: str
    kind: str
    gone: bool
    """The device was removed from the vault."""


def exposed(messages: Iterable[Message], unseal: Callable[[bytes], Vault], own: Vault) -> tuple[Exposed, ...]:
    """Return which messages a key opens; `unseal` raises VaultDamaged or VaultTooNew for what it doesn't."""
    found: list[Exposed] = []
    for message in messages:
        try:
            vault = unseal(message.payload)
        except (VaultDamaged, VaultTooNew):
            continue
        # By the topic: that is what must be cleared, whatever it says inside.
        name = vault.name if vault.device == message.device else message.device
        found.append(Exposed(message.device, name, message.kind, message.device in own.removed))
    return tuple(found)
