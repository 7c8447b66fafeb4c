"""Stratum, formerly Authenticator Pro: a JSON backup, plain or encrypted in two ways.

Plain: an object with `Authenticators`, `Categories` (`Id`, `Name`), `AuthenticatorCategories` (`CategoryId`,
`AuthenticatorSecret`) and `CustomIcons`. `Type` is 1 HOTP, 2 TOTP, 3 mOTP, 4 Steam, 5 Yandex; `Algorithm` is 0, 1 or 2
for SHA1, SHA256 and SHA512. An authenticator is known by its `Secret`: the program refuses a second one.

Strong: `AUTHENTICATORPRO || salt 16 || iv 12 || ciphertext || tag 16`; Argon2id with 3 passes of 64 MiB in 4 lanes,
then AES-256-GCM. Legacy: `AuthenticatorPro || salt 20 || iv 16 || ciphertext`; PBKDF2-SHA1 with 64,000 iterations, then
AES-256-CBC with PKCS#7 padding and no authenticator, so that a wrong password is told by nonsense.

No official specification; source: the program's `Stratum.Core` (`StrongBackupEncryption.cs`, `Authenticator.cs`).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from appliance.transfer import cipher, entry
from appliance.transfer.content import Content
from appliance.transfer.entry import Fields, Unusable
from appliance.transfer.export import bare
from appliance.transfer.found import Found, Means, Reading, WriteMeans, joined
from appliance.transfer.trouble import damaged, wrong_password
from appliance.vault import otpauth
from appliance.vault.model import Account, base32_encode

NAME: Final = "stratum"
TITLE: Final = "Stratum"


def recognises(content: Content, _means: Means) -> bool:
    """Whether this begins with a magic word, or is an object with the program's lists."""
    return content.data.startswith((_STRONG, _LEGACY)) or content.keys >= {"Authenticators", "Categories"}


def read(files: Sequence[Content], means: Means) -> Reading:
    """Return the accounts of all files."""
    return joined(_reading(content, means) for content in files)


def hold(found: Found) -> Found:
    """Return the account without note and mark, with its names cut to 32 and 40 characters, and never without an issuer.

    Raises Unusable for numbers of digits that the program does not show.
    """
    account = found.account
    allowed = _DIGITS.get(account.type)
    if allowed and account.digits not in allowed:
        raise Unusable(f"it shows {allowed[0]} to {allowed[-1]} digits of {account.type.upper()} codes")
    # A single account without an issuer makes it refuse the whole backup; its own import takes the name for one.
    issuer, name = (account.issuer, account.name) if account.issuer else (account.name or _UNNAMED, "")
    held = bare(found, groups=True)
    return replace(held, account=replace(held.account, issuer=_cut(issuer, 32), name=_cut(name, 40)))


def write(accounts: Sequence[Found], means: WriteMeans) -> tuple[bytes, ...]:
    """Return the strongly encrypted backup."""
    salt, iv = means.random(_STRONG_SALT), means.random(_STRONG_IV)
    key = _strong_key(means.password, salt, memory_limit=_KIB << 10)
    return (_STRONG + salt + iv + cipher.seal_gcm(key, iv, _plain(accounts)),)


def write_plain(accounts: Sequence[Found], _means: WriteMeans) -> tuple[bytes, ...]:
    """Return the plain backup."""
    return (_plain(accounts),)


def _reading(content: Content, means: Means) -> Reading:
    plain, encrypted = content.json, False
    if content.data.startswith((_STRONG, _LEGACY)):
        plain, encrypted = _opened(content.data, means), True
    try:
        top = Fields(plain)
        entries, groups, icons = top.items("Authenticators"), _groups(top), len(top.items("CustomIcons"))
    except Unusable as problem:
        raise damaged(TITLE, str(problem)) from None
    return entry.collect(
        NAME,
        TITLE,
        entries,
        lambda raw: _account(Fields(raw), groups, means),
        _label,
        encrypted=encrypted,
        warnings=() if not icons else (f"{icons} icon{'s are' if icons > 1 else ' is'} not kept",),
    )


def _opened(data: bytes, means: Means) -> Any:
    """Return what the JSON of an encrypted backup means."""
    strong = data.startswith(_STRONG)
    salt_size, iv_size = (_STRONG_SALT, _STRONG_IV) if strong else (_LEGACY_SALT, _LEGACY_IV)
    body = data[len(_STRONG) :]
    salt, iv = body[:salt_size], body[salt_size:][:iv_size]
    sealed = body[salt_size + iv_size :]
    if len(sealed) < _BLOCK or (not strong and len(sealed) % _BLOCK):
        raise damaged(TITLE, "it is cut off")
    password = means.password_of(TITLE)
    try:
        if strong:
            key = _strong_key(password, salt, memory_limit=means.memory_limit)
            opened = cipher.open_gcm(key, iv, sealed)
        else:
            key = cipher.pbkdf2(TITLE, "sha1", _typed(password), salt, _ITERATIONS)
            opened = cipher.open_cbc(key, iv, sealed)
    except cipher.Mismatch:
        raise wrong_password(TITLE, or_damaged=True) from None
    if not strong and not opened.startswith(b"{"):
        raise wrong_password(TITLE, or_damaged=True)  # one wrong key in 256 leaves a valid padding
    plain = Content(opened).json
    if plain is None:
        raise damaged(TITLE, "what is encrypted in it is not JSON")
    return plain


def _strong_key(password: str, salt: bytes, *, memory_limit: int) -> bytes:
    return cipher.argon2id(
        TITLE, _typed(password), salt, passes=3, kib=_KIB, lanes=4, memory_limit=memory_limit
    )


def _typed(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _groups(top: Fields) -> dict[str, list[str]]:
    """Return the names of categories by the secret that is in them."""
    names: dict[str, str] = {}
    for raw in top.items("Categories"):
        category = Fields(raw)
        names[category.text("Id")] = category.text("Name")
    groups: dict[str, list[str]] = {}
    for raw in top.items("AuthenticatorCategories"):
        member = Fields(raw)
        name = names.get(member.text("CategoryId"), "")
        groups.setdefault(member.text("AuthenticatorSecret"), []).append(name)
    return groups


def _account(fields: Fields, groups: dict[str, list[str]], means: Means) -> Found:
    secret = fields.text("Secret")
    type_, algorithm = fields.whole("Type"), fields.whole("Algorithm")
    return entry.found(
        means,
        kind="totp" if type_ is None else _TYPES.get(type_, "unknown"),
        issuer=fields.text("Issuer"),
        name=fields.text("Username"),
        secret=secret,
        algorithm="" if algorithm is None else _ALGORITHMS.get(algorithm, "unknown"),
        digits=fields.whole("Digits"),
        period=fields.whole("Period"),
        counter=fields.whole("Counter"),
        # Once, as a secret is there once: a file of very many of both would take for ever.
        groups=groups.pop(secret, ()),
    )


def _label(raw: Any) -> str:
    fields = Fields(raw)
    return ":".join(filter(None, (fields.text("Issuer"), fields.text("Username"))))


def _cut(text: str, most: int) -> str:
    """Return a name of at most `most` characters as .NET counts them: half of an emoji each."""
    while len(text.encode("utf-16-le")) // 2 > most:
        text = text[:-1]
    return otpauth.printable(text)


def _plain(accounts: Sequence[Found]) -> bytes:
    secrets = _secrets(accounts)
    names = dict.fromkeys(name for found in accounts for name in found.group_names)
    ids = {name: hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:8] for name in names}
    return json.dumps(
        {
            "Authenticators": [
                _authenticator(found, secret, ranking)
                for ranking, (found, secret) in enumerate(zip(accounts, secrets, strict=True))
            ],
            "Categories": [
                {"Id": id_, "Name": name, "Ranking": ranking}
                for ranking, (name, id_) in enumerate(ids.items())
            ],
            "AuthenticatorCategories": [
                {"CategoryId": ids[name], "AuthenticatorSecret": secret, "Ranking": 0}
                for found, secret in zip(accounts, secrets, strict=True)
                for name in found.group_names
            ],
            "CustomIcons": [],
        }
    ).encode()


def _secrets(accounts: Sequence[Found]) -> list[str]:
    """Return the secrets as texts that all differ: one that stands for two accounts gets padding, which does not count."""
    times: Counter[bytes] = Counter()
    texts: list[str] = []
    for found in accounts:
        secret = found.account.secret
        texts.append(base32_encode(secret) + "=" * times[secret])
        times[secret] += 1
    return texts


def _authenticator(found: Found, secret: str, ranking: int) -> dict[str, Any]:
    account: Account = found.account
    return {
        "Type": _NUMBERS[account.type],
        "Icon": None,
        "Issuer": account.issuer,
        "Username": account.name or None,
        "Secret": secret,
        "Pin": None,
        "Algorithm": next(number for number, name in _ALGORITHMS.items() if name == account.algorithm),
        "Digits": account.digits,
        "Period": account.period,
        "Counter": found.counter,
        "CopyCount": 0,
        "Ranking": ranking,
    }


_STRONG: Final = b"AUTHENTICATORPRO"
_LEGACY: Final = b"AuthenticatorPro"
_STRONG_SALT: Final = 16
_STRONG_IV: Final = 12
_LEGACY_SALT: Final = 20
_LEGACY_IV: Final = 16
_BLOCK: Final = 16
_KIB: Final = 64 * 1024
_ITERATIONS: Final = 64_000
_TYPES: Final = {1: "hotp", 2: "totp", 3: "motp", 4: "steam", 5: "yandex"}
_NUMBERS: Final = {name: number for number, name in _TYPES.items()}
_ALGORITHMS: Final = {0: "SHA1", 1: "SHA256", 2: "SHA512"}
_DIGITS: Final = {"totp": range(6, 11), "hotp": range(6, 9)}
_UNNAMED: Final = "unnamed"
