"""Aegis's encryption: a master key in several slots, and the database under it.

`db` is base64 of the database under AES-256-GCM with the master key; its nonce and tag are in `header.params`. Each of
`header.slots` holds the master key under a key of its own: that of a slot of type 1 is scrypt of a password. Source:
Aegis's docs/vault.md and source.

Rules: every password slot is tried, as an export may have one for backups beside the app's own. What a file asks for is
checked before anything is derived, and limited for all its slots together.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.transfer import cipher
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Means, WriteMeans
from appliance.transfer.trouble import cannot_read, damaged, wrong_password

TITLE: Final = "Aegis"
_PASSWORD: Final = 1
"""The type of a slot; 0 is a raw key, 2 one that the phone keeps behind a fingerprint."""
_SLOTS: Final = 8
"""Password slots that are tried; exports have one or two."""
_WORK: Final = 256 << 20
"""Bytes that scrypt may fill for one file, half a second on a PC; each of Aegis's slots takes 32 MiB."""
_COST: Final = (2**15, 8, 1)
"""Aegis's own n, r and p."""
_LETTER: Final = (2.0, 1.1)
"""Bytes that Android and desktop Java set aside for each letter when they encode a text."""
_TAG: Final = 16


@dataclass(frozen=True, slots=True)
class _Slot:
    """A password slot."""

    n: int
    r: int
    p: int
    salt: bytes
    nonce: bytes
    sealed: bytes = field(repr=False)
    """The master key and its tag."""
    repaired: bool
    """Whether its password was encoded without NULs."""

    @property
    def work(self) -> int:
        """Bytes that scrypt fills for one try."""
        return 128 * self.n * self.r * self.p


def unsealed(file: Fields, means: Means) -> bytes:
    """Return the database of an encrypted file.

    Raises Unusable for a header that is none, the errors of a missing and a wrong password, FileDamaged if a password
    is right but the database does not open, and CannotRead for a file without passwords, or with too many.
    """
    header = file.inner("header")
    params = header.inner("params")
    nonce, tag, database = _hex(params, "nonce"), _hex(params, "tag"), _base64(file.text("db"))
    slots = [slot for slot in map(Fields, header.items("slots")) if slot.whole("type") == _PASSWORD]
    if not slots:
        raise cannot_read(
            TITLE,
            "no password opens it, only a key that stays on the phone",
            "set a password in Aegis and export again",
        )
    if len(slots) > _SLOTS:
        why = f"it has {len(slots)} passwords, and at most {_SLOTS} are tried here"
        raise cannot_read(TITLE, why, "remove some of them in Aegis and export again")
    master = _master_key([_slot(slot) for slot in slots], means)
    try:
        return cipher.open_gcm(master, nonce, database + tag)
    except cipher.Mismatch:
        raise damaged(TITLE, "the password is right, but the contents were changed or cut off") from None


def _slot(fields: Fields) -> _Slot:
    n, r, p = (fields.whole(name) or 0 for name in "nrp")
    if not all(0 < cost < 2**31 for cost in (n, r, p)):
        raise Unusable("the cost of its key is missing or absurd")
    key = fields.inner("key_params")
    sealed = _hex(fields, "key") + _hex(key, "tag")
    return _Slot(n, r, p, _hex(fields, "salt"), _hex(key, "nonce"), sealed, fields.flag("repaired"))


def _master_key(slots: Sequence[_Slot], means: Means) -> bytes:
    work = 0
    for slot, typed in _tries(slots, means.password_of(TITLE)):
        if work and work + slot.work > _WORK:
            raise cannot_read(
                TITLE, "its passwords take too long to try", "set a new password in Aegis and export again"
            )
        work += slot.work
        key = cipher.scrypt(TITLE, typed, slot.salt, slot.n, slot.r, slot.p, means.memory_limit)
        try:
            return cipher.open_gcm(key, slot.nonce, slot.sealed)
        except cipher.Mismatch:
            continue
    raise wrong_password(TITLE)


def _tries(slots: Sequence[_Slot], password: str) -> Iterator[tuple[_Slot, bytes]]:
    for slot in slots:
        yield slot, password.encode()
    for slot in slots:
        if not slot.repaired:
            for padded in _padded(password):
                yield slot, padded


def _padded(password: str) -> Iterator[bytes]:
    """Return a password as an early Aegis encoded it: with all of Java's buffer, that is with the NULs at its end.

    Up to 64 bytes they make no difference, as HMAC fills its key up with NULs. Source: Aegis's issue 95.
    """
    encoded = password.encode()
    for letter in _LETTER:
        size = int(len(password.encode("utf-16-le")) // 2 * letter)
        while size < len(encoded):
            size = 2 * size + 1
        if size > max(64, len(encoded)):
            yield encoded.ljust(size, b"\0")


def _hex(fields: Fields, name: str) -> bytes:
    try:
        return bytes.fromhex(fields.text(name))
    except ValueError:
        raise Unusable(f"its {name} is not hexadecimal") from None


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Unusable("its contents are not base64") from None


def sealed(database: bytes, means: WriteMeans) -> tuple[Mapping[str, Any], str]:
    """Return the header and the `db` of an encrypted file, with one password slot."""
    master, salt = means.random(32), means.random(32)
    n, r, p = _COST
    key = cipher.scrypt(TITLE, means.password.encode(), salt, n, r, p, memory_limit=_WORK)
    wrapped, key_params = _under(key, master, means)
    contents, params = _under(master, database, means)
    slot = {
        "type": _PASSWORD,
        "uuid": means.new_uuid(),
        "key": wrapped.hex(),
        "key_params": key_params,
        "n": n,
        "r": r,
        "p": p,
        "salt": salt.hex(),
        "repaired": True,
        "is_backup": False,
    }
    return {"slots": [slot], "params": params}, base64.b64encode(contents).decode()


def _under(key: bytes, plain: bytes, means: WriteMeans) -> tuple[bytes, Mapping[str, str]]:
    """Return the ciphertext, and its nonce and tag as the file has them."""
    nonce = means.random(12)
    whole = cipher.seal_gcm(key, nonce, plain)
    return whole[:-_TAG], {"nonce": nonce.hex(), "tag": whole[-_TAG:].hex()}
