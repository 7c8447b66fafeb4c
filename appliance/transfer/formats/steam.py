"""Steam Guard: files of Steam Desktop Authenticator, of steamguard-cli and of Steam's mobile app.

Structure: a JSON object with `shared_secret` (base64, 20 bytes) and `account_name`, in a file of its own
(`123.maFile`, `Steamguard-123`), or several by number in `{"accounts": {...}}`. What else is in there is left there, above
all `identity_secret`, which confirms trades, and `revocation_code`; the secret in `uri` need not be the right one.
Encrypted files are base64 of AES-256-CBC, one account each; how, says `manifest.json`, which must be given with them:
`entries[]` has `encryption_iv` and `encryption_salt` (PBKDF2-HMAC-SHA1, 50,000), and in steamguard-cli
`encryption: {scheme, iv, salt}` (LegacySdaCompatible as before; Argon2idAes256: 3 passes, 62,500 KiB, 4 lanes). No
official specification; the rules are those of the two programs' source. Files have no names here, so each is tried
with each entry of the manifest; there is no MAC, and what opens must be JSON.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from appliance.transfer import cipher, entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.found import Found, Means, Reading
from appliance.transfer.trouble import cannot_read, damaged, wrong_password

NAME: Final = "steam"
TITLE: Final = "Steam Guard"
_ROUNDS: Final = 50_000
_ARGON2: Final[dict[str, Any]] = {"passes": 3, "kib": 62_500, "lanes": 4}
_COSTS: Final = {"LegacySdaCompatible": 1, "Argon2idAes256": 5}
"""What deriving a key costs: one is 20 ms, or 90 ms on a computer of 2020."""
_BUDGET: Final = 100
_LOCKS: Final = 1_000
_SEALED: Final = re.compile(r"[A-Za-z0-9+/]{128,}={0,2}")
"""An account's JSON has some hundreds of bytes."""
_SEALED_LIMIT: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class _Lock:
    """How a file is encrypted."""

    scheme: str
    salt: bytes
    iv: bytes


def recognises(content: Content, _means: Means) -> bool:
    """Whether it is an account's file, the app's file of several, a manifest, or base64 text like an encrypted file."""
    return bool(_accounts_in(content.json) or _entries_of(content.json) or _sealed_in(content))


def looks_sealed(content: Content) -> bool:
    """Whether it may be an encrypted `.maFile`, as far as base64 can tell."""
    return bool(_sealed_in(content))


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files; of encrypted ones by means of the manifest among them.

    Raises CannotRead for a manifest without the files and the other way round.
    """
    entries = [one for content in files for one in _entries_of(content.json)]
    accounts = [one for content in files for one in _accounts_in(content.json)]
    sealed = [data for content in files if (data := _sealed_in(content))]
    if not accounts and not sealed:
        raise cannot_read(
            TITLE,
            "manifest.json only lists the files of the accounts",
            "give those with it: manifest.json and every .maFile",
        )
    if sealed:
        accounts += _opened(sealed, [lock for one in entries if (lock := _lock_of(one))], means)
    reading = entry.collect(
        NAME,
        TITLE,
        accounts,
        lambda one: _account(one, means),
        lambda one: Fields(one).text("account_name"),
        encrypted=bool(sealed),
        warnings=_warnings(accounts),
    )
    absent = len(entries) - len(accounts)
    missing = (f"{absent} of the {len(entries)} files that manifest.json lists",) if absent > 0 else ()
    return replace(reading, missing=missing)


def _account(one: Any, means: Means) -> Found:
    if one is None:
        raise Unusable("its file does not open with this password")
    fields = Fields(one)
    shared = fields.text("shared_secret").strip()
    try:
        secret = base64.b64decode(shared, validate=True)
    except ValueError:
        raise Unusable("its shared_secret is not base64") from None
    name = fields.text("account_name") or _name_in_link(fields.text("uri"), means)
    return entry.found(means, kind="steam", issuer="Steam", name=name, secret=secret)


def _name_in_link(link: str, means: Means) -> str:
    try:
        return entry.from_link(means, link).account.name
    except Unusable:
        return ""


def _warnings(accounts: Sequence[Any]) -> Iterator[str]:
    if any(isinstance(one, dict) and one.get("revocation_code") for one in accounts):
        yield "revocation codes are not kept; write them down, as they help when Steam Guard is lost"


def _accounts_in(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        return []
    if "shared_secret" in value:
        return [value]
    inner = value.get("accounts")
    several = list(inner.values()) if isinstance(inner, dict) else []
    return several if any(isinstance(one, dict) and "shared_secret" in one for one in several) else []


def _entries_of(value: Any) -> list[dict[str, Any]]:
    entries = value.get("entries") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        return []
    return [
        one
        for one in entries
        if isinstance(one, dict) and "filename" in one and ("steamid" in one or "steam_id" in one)
    ]


def _sealed_in(content: Content) -> bytes | None:
    text = (content.text or "").strip() if len(content.data) <= _SEALED_LIMIT else ""
    data = _decoded(text) if _SEALED.fullmatch(text) else b""
    return data if data and not len(data) % 16 else None


def _opened(sealed: Sequence[bytes], locks: Sequence[_Lock], means: Means) -> list[Any]:
    if not locks:
        raise cannot_read(
            TITLE,
            "it looks like an encrypted .maFile, and these open only together with their manifest.json",
            "give both, from the same folder: manifest.json and every .maFile; for a backup of TOTP Authenticator, its password",
        )
    if len(locks) > _LOCKS:
        raise damaged(TITLE, f"its manifest.json lists more than {_LOCKS} files")
    keys = _Keys(means.password_of(TITLE).encode(), means)
    opened = [_unlocked(data, [*locks[index:], *locks[:index]], keys) for index, data in enumerate(sealed)]
    if not any(opened):
        raise wrong_password(TITLE, or_damaged=True)
    return opened


def _unlocked(data: bytes, locks: Sequence[_Lock], keys: "_Keys") -> dict[str, Any] | None:
    for lock in locks:
        try:
            plain = cipher.open_cbc(keys.of(lock), lock.iv, data)
        except cipher.Mismatch:
            continue
        value = Content(plain).json
        if isinstance(value, dict):
            return value
    return None


class _Keys:
    """The keys that a password gives, each derived once and only if it is asked for."""

    def __init__(self, password: bytes, means: Means, budget: int = _BUDGET) -> None:
        self._password = password
        self._means = means
        self._keys: dict[tuple[str, bytes], bytes] = {}
        self._budget = budget

    def of(self, lock: _Lock) -> bytes:
        """Return the key of a lock. Raises CannotRead if there are too many."""
        known = self._keys.get((lock.scheme, lock.salt))
        if known is not None:
            return known
        self._budget -= _COSTS[lock.scheme]
        if self._budget < 0:
            raise cannot_read(
                TITLE,
                "too many keys must be derived for its files",
                f"give at most {_BUDGET} .maFile files at once, and a manifest.json that lists only these",
            )
        key = self._derived(lock)
        self._keys[lock.scheme, lock.salt] = key
        return key

    def _derived(self, lock: _Lock) -> bytes:
        if lock.scheme == "LegacySdaCompatible":
            return cipher.pbkdf2(TITLE, "sha1", self._password, lock.salt, _ROUNDS)
        limit = self._means.memory_limit
        return cipher.argon2id(
            TITLE,
            self._password,
            lock.salt,
            **_ARGON2,
            memory_limit=limit,
            more_memory=self._means.more_memory,
        )


def _lock_of(one: dict[str, Any]) -> _Lock | None:
    """Return how the file of a manifest's entry is encrypted; None if it is not, or not in a way that is known."""
    inner = one.get("encryption")
    if isinstance(inner, dict):
        scheme, salt, iv = inner.get("scheme"), inner.get("salt"), inner.get("iv")
    else:
        scheme, salt, iv = "LegacySdaCompatible", one.get("encryption_salt"), one.get("encryption_iv")
    lock = _Lock(str(scheme), _decoded(salt), _decoded(iv))
    return lock if lock.scheme in _COSTS and len(lock.salt) >= 8 and len(lock.iv) == 16 else None


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        return b""
