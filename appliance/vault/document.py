"""The inner document: a vault as the JSON that Aegis reads, with our own metadata beside its entries.

Rules: `dump` and `load` are inverses for everything that `dump` writes; FORMAT.md is the specification. Names
that this release does not know are kept in `extra`. Anything else that is not as written here is damage.
"""

from collections.abc import Callable, Container, Mapping
from typing import Any, Final, TypeVar, cast

from appliance.errors import VaultDamaged, VaultTooNew
from appliance.vault import canonical
from appliance.vault.model import (
    ALGORITHMS,
    COUNTERS,
    DIGITS,
    HISTORY,
    PERIODS,
    STEAM_DIGITS,
    TYPES,
    Account,
    Algorithm,
    Group,
    Record,
    Replaced,
    Stamp,
    Type,
    Vault,
    base32_decode,
    base32_encode,
)

AEGIS_DATABASE: Final = 3
VERSION: Final = 1
"""Of `x-appliance`."""
BLOCK: Final = 16 * 1024
"""The plaintext is filled to a multiple of this, so that its size says little."""
SLOTS_OF_HISTORY: Final = 7
NATURALS: Final = range(2**53)
_POSITION: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")

T = TypeVar("T")
Json = dict[str, Any]


def dump(vault: Vault, head: str) -> bytes:
    """Return the canonical plaintext of a vault; `head` is the hex SHA-256 of the header that it is sealed under."""
    document: Json = {
        **vault.root_extra,
        "version": AEGIS_DATABASE,
        "entries": [_entry(record) for record in vault.ordered],
        "groups": [
            {**group.extra, "uuid": group.uuid, "name": group.name}
            for group in sorted(vault.groups.values(), key=lambda group: group.uuid)
        ],
        "icons_optimized": True,
        "x-appliance": {
            **vault.extra,
            "v": VERSION,
            "vault": vault.id,
            "device": vault.device,
            "name": vault.name,
            "gen": vault.generation,
            "saved": vault.saved_at,
            "head": head,
            "day": list(vault.day),
            "seen": dict(vault.seen),
            "removed": sorted(vault.removed),
            "need": sorted(vault.need),
            "tombstones": {uuid: _stamp(stamp) for uuid, stamp in vault.tombstones.items()},
            "trash": {
                uuid: {**_meta(record), "entry": _entry(record)} for uuid, record in vault.trash.items()
            },
            "meta": {uuid: _meta(record) for uuid, record in vault.records.items()},
            "group_stamps": {uuid: _stamp(stamp) for uuid, stamp in vault.group_stamps.items()},
        },
        "x-pad": "",
    }
    document["x-pad"] = "." * (-len(canonical.dump(document)) % BLOCK)
    return canonical.dump(document)


def load(plain: bytes, head: str) -> Vault:
    """Return the vault of a plaintext that `dump` wrote under the same `head`.

    Raises VaultTooNew if a newer release wrote it, VaultDamaged for everything else.
    """
    try:
        vault = _vault(canonical.load(plain), head)
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(fault(error)) from None
    if dump(vault, head) != plain:
        raise damaged("it is not spelled as this program spells it")
    return vault


def damaged(why: str) -> VaultDamaged:
    """Return the error for a document that is not one of ours."""
    return VaultDamaged(
        "can't read the vault", f"it is damaged ({why})", "older copies beside it are tried as well"
    )


def fault(error: Exception) -> str:
    """Return the words for an error of reading: a KeyError's text is a name from the file, a TypeError's Python's own."""
    return str(error) if isinstance(error, ValueError) else "a part is missing or of another kind"


def _stamp(stamp: Stamp) -> list[int | str]:
    return [stamp.ms, stamp.counter, stamp.device]


def _meta(record: Record) -> Json:
    return {
        **record.extra,
        "stamp": _stamp(record.stamp),
        "position": record.position,
        "position_stamp": _stamp(record.position_stamp),
        "counter": record.counter,
        "history": [
            {
                **old.extra,
                "secret": base32_encode(old.secret),
                "stamp": _stamp(old.stamp),
                "counter": old.counter,
            }
            for old in record.history
        ],
    }


def _entry(record: Record) -> Json:
    account = record.account
    info: Json = {
        **account.info_extra,
        "secret": base32_encode(account.secret),
        "algo": account.algorithm,
        "digits": account.digits,
    }
    if account.type == "hotp":
        info["counter"] = record.counter
    else:
        info["period"] = account.period
    return {
        **account.extra,
        "type": account.type,
        "uuid": account.uuid,
        "name": account.name,
        "issuer": account.issuer,
        "note": account.note,
        "favorite": account.favorite,
        "icon": None,
        "groups": list(account.groups),
        "info": info,
    }


class _Fields:
    """The fields of one JSON object, taken one by one; what remains is unknown to this release."""

    def __init__(self, value: object) -> None:
        self.rest: Json = dict(_a(dict, value))

    def take(self, name: str, kind: type[T]) -> T:
        return _a(kind, self.rest.pop(name))

    def table(self, name: str, read: Callable[[str, Any], T]) -> dict[str, T]:
        return {key: read(key, value) for key, value in self.take(name, dict).items()}

    def items(self, name: str, read: Callable[[Any], T]) -> tuple[T, ...]:
        return tuple(read(value) for value in self.take(name, list))


def _a(kind: type[T], value: object) -> T:
    # bool is an int in Python, not in JSON
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError("a field has the wrong type")
    return value


def natural(value: object) -> int:
    """Return `value` if it is a whole number that every JSON reader holds exactly. Raises ValueError."""
    number = _a(int, value)
    if number not in NATURALS:
        raise ValueError("a number is out of range")
    return number


def _text(value: object) -> str:
    return _a(str, value)


def _vault(document: object, head: str) -> Vault:
    root = _Fields(document)
    if root.take("version", int) > AEGIS_DATABASE:
        raise _too_new()
    ours = _Fields(root.rest.pop("x-appliance"))
    if ours.take("v", int) > VERSION:
        raise _too_new()
    if ours.take("head", str) != head:
        raise ValueError("its header was exchanged")
    root.take("x-pad", str)
    root.take("icons_optimized", bool)
    entries = {account.uuid: (account, counter) for account, counter in root.items("entries", _read_entry)}
    groups = {group.uuid: group for group in root.items("groups", _read_group)}
    records = ours.table("meta", lambda uuid, meta: _read_record(entries.pop(uuid), _Fields(meta)))
    if entries:
        raise ValueError("an entry has no metadata")
    vault = Vault(
        id=ours.take("vault", str),
        device=ours.take("device", str),
        name=ours.take("name", str),
        generation=natural(ours.rest.pop("gen")),
        saved_at=natural(ours.rest.pop("saved")),
        records=records,
        trash=ours.table("trash", _read_trash),
        tombstones=ours.table("tombstones", lambda _, stamp: _read_stamp(stamp)),
        groups=groups,
        group_stamps=ours.table("group_stamps", lambda _, stamp: _read_stamp(stamp)),
        seen=ours.table("seen", lambda _, generation: natural(generation)),
        removed=frozenset(ours.items("removed", _text)),
        need=frozenset(ours.items("need", _text)),
        day=_read_day(ours.rest.pop("day")),
        extra=ours.rest,
        root_extra=root.rest,
    )
    _check_references(vault)
    return vault


def _check_references(vault: Vault) -> None:
    # Every save reads back what it wrote: what is refused here never replaces a good file.
    if not vault.trash.keys() <= vault.tombstones.keys() - vault.records.keys():
        raise ValueError("an account in the trash is alive or has no tombstone")
    if not all(vault.groups.keys() >= set(record.account.groups) for record in vault.records.values()):
        raise ValueError("an account is in a group that is not there")


def _too_new() -> VaultTooNew:
    return VaultTooNew(
        "can't read the vault", "a newer release wrote it", "upgrade this device; nothing was changed"
    )


def _read_stamp(value: object) -> Stamp:
    parts = _a(list, value)
    if len(parts) != 3:
        raise ValueError("a stamp does not have three parts")
    return Stamp(natural(parts[0]), natural(parts[1]), _text(parts[2]))


def _read_day(value: object) -> tuple[int, int]:
    parts = _a(list, value)
    if len(parts) != 2:
        raise ValueError("a day does not have two parts")
    return natural(parts[0]), one_of(range(SLOTS_OF_HISTORY), parts[1])


def _read_position(value: object) -> str:
    position = _text(value)
    if not _POSITION.issuperset(position):
        raise ValueError("a position holds other characters than 0-9 and a-z")
    return position


def _read_record(entry: tuple[Account, int | None], meta: _Fields) -> Record:
    account, counter = entry
    record = Record(
        account=account,
        stamp=_read_stamp(meta.rest.pop("stamp")),
        position=_read_position(meta.rest.pop("position")),
        position_stamp=_read_stamp(meta.rest.pop("position_stamp")),
        counter=_read_counter(meta.rest.pop("counter")),
        history=meta.items("history", _read_replaced),
        extra=meta.rest,
    )
    if counter is not None and counter != record.counter:
        raise ValueError("a counter stands there twice and differs")
    if len(record.history) > HISTORY:
        raise ValueError("a history is too long")
    return record


def _read_trash(uuid: str, value: object) -> Record:
    meta = _Fields(value)
    entry = _read_entry(meta.rest.pop("entry"))
    if entry[0].uuid != uuid:
        raise ValueError("an entry lies under another one's id")
    return _read_record(entry, meta)


def _read_replaced(value: object) -> Replaced:
    old = _Fields(value)
    return Replaced(
        secret=base32_decode(old.take("secret", str)),
        stamp=_read_stamp(old.rest.pop("stamp")),
        counter=_read_counter(old.rest.pop("counter")),
        extra=old.rest,
    )


def _read_counter(value: object) -> int:
    if (number := natural(value)) not in COUNTERS:
        raise ValueError("a counter is out of range")
    return number


def _read_group(value: object) -> Group:
    group = _Fields(value)
    return Group(group.take("uuid", str), group.take("name", str), group.rest)


def _read_entry(value: object) -> tuple[Account, int | None]:
    entry = _Fields(value)
    info = _Fields(entry.rest.pop("info"))
    if entry.rest.pop("icon") is not None:
        raise ValueError("an entry has an icon")
    kind = cast("Type", one_of(TYPES, entry.rest.pop("type")))
    counter = _read_counter(info.rest.pop("counter")) if kind == "hotp" else None
    account = Account(
        type=kind,
        uuid=entry.take("uuid", str),
        name=entry.take("name", str),
        issuer=entry.take("issuer", str),
        note=entry.take("note", str),
        favorite=entry.take("favorite", bool),
        groups=entry.items("groups", _text),
        secret=base32_decode(info.take("secret", str)),
        algorithm=cast("Algorithm", one_of(ALGORITHMS, info.rest.pop("algo"))),
        digits=one_of(
            range(STEAM_DIGITS, STEAM_DIGITS + 1) if kind == "steam" else DIGITS, info.rest.pop("digits")
        ),
        period=30 if kind == "hotp" else one_of(PERIODS, info.rest.pop("period")),
        extra=entry.rest,
        info_extra=info.rest,
    )
    return account, counter


def one_of(allowed: Container[object], value: Any) -> Any:
    """Return `value` if it is one of the allowed integers or texts. Raises ValueError."""
    # 6.0 and True are equal to integers in Python, but are not spelled like them.
    if type(value) not in (int, str) or value not in allowed:
        raise ValueError("a parameter is out of range")
    return value


def unknown_needs(vault: Vault) -> frozenset[str]:
    """Return the features that a writer of this vault must know and this release does not: none is known yet."""
    return vault.need


def entry_bytes(account: Account) -> bytes:
    """Return canonical bytes of everything that an account's stamp covers, its counter excepted."""
    ignored = Record(account, Stamp(0, 0, ""), "", Stamp(0, 0, ""))
    return canonical.dump(_entry(ignored))


def group_bytes(group: Group) -> bytes:
    """Return canonical bytes of a group."""
    extra: Mapping[str, Any] = group.extra
    return canonical.dump({**extra, "uuid": group.uuid, "name": group.name})
