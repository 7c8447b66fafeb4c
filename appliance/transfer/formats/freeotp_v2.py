"""The backup of FreeOTP 2 (`externalBackup.xml`, which is no XML): a serialised map of JSON texts.

    masterKey      {"mAlgorithm": "PBKDF2withHmacSHA512" or SHA1, "mIterations", "mSalt": [bytes], "mEncryptedKey": SEALED}
    UUID           {"key": "SEALED as a text"}
    UUID-token     the token without its secret
    SEALED = {"mCipher": "AES/GCM/NoPadding", "mCipherText": [bytes], "mParameters": [bytes], "mToken": text}

The password's key opens the master key, and that opens the secrets. `mParameters` is GCMParameters of RFC 5084 in DER:
a nonce of 12 bytes and the tag's length, 16; on Android 6 it is the nonce alone, an OCTET STRING. `mToken` is the
associated data. Old versions of Android have no PBKDF2-HMAC-SHA512. Sources: `TokenPersistence.java`, `MasterKey.java`, `EncryptedKey.java`; no official specification.
"""

import re
from dataclasses import dataclass
from typing import Final

from appliance.transfer import java_map
from appliance.transfer.cipher import Hash, Mismatch, open_gcm, pbkdf2
from appliance.transfer.entry import ENTRY_LIMIT, Fields, Unusable
from appliance.transfer.formats import freeotp_token
from appliance.transfer.formats.freeotp_token import signed
from appliance.transfer.found import Found, Means
from appliance.transfer.shared_prefs import json_of
from appliance.transfer.trouble import cannot_read, damaged, wrong_password

TITLE: Final = "FreeOTP"
_MASTER: Final = "masterKey"
_SUFFIX: Final = "-token"
_HASHES: Final[dict[str, Hash]] = {"pbkdf2withhmacsha512": "sha512", "pbkdf2withhmacsha1": "sha1"}
_CIPHER: Final = "AES/GCM/NoPadding"
_PARAMETERS: Final = re.compile(rb"\x30\x11\x04\x0c(.{12})\x02\x01\x10|\x04\x0c(.{12})", re.DOTALL)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Token:
    """An entry of an opened backup, still in its own form."""

    _texts: dict[str, str]
    _key: bytes
    _uuid: str

    @property
    def label(self) -> str:
        """What a person knows it by; "" if that is not there. Raises Unusable."""
        return freeotp_token.label(Fields(self._json(_SUFFIX)))

    def account(self, means: Means) -> Found:
        """Return its account. Raises Unusable."""
        if self._uuid + _SUFFIX not in self._texts:
            raise Unusable("only its secret is in the backup, without its name and kind")
        if self._uuid not in self._texts:
            raise Unusable("its secret is not in the backup")
        sealed = _sealed(Fields(json_of(Fields(self._json("")).text("key"))))
        try:
            secret = sealed.opened(self._key)
        except Mismatch:
            raise Unusable("its secret is damaged") from None
        return freeotp_token.account(means, Fields(self._json(_SUFFIX)), secret)

    def _json(self, suffix: str) -> object:
        return json_of(self._texts.get(self._uuid + suffix, ""))


def opened(data: bytes, means: Means) -> list[Token]:
    """Return the tokens of a backup, opened by its password. Raises the errors of `trouble`."""
    try:
        texts = java_map.texts(data, 2 * ENTRY_LIMIT + 1)
    except java_map.Malformed as problem:
        raise damaged(TITLE, str(problem)) from None
    key = _master_key(texts, means)
    uuids = dict.fromkeys(
        name.removesuffix(_SUFFIX) for name in texts if name.endswith(_SUFFIX) or _UUID.fullmatch(name)
    )
    return [Token(texts, key, uuid) for uuid in uuids]


def _master_key(texts: dict[str, str], means: Means) -> bytes:
    try:
        master = Fields(json_of(texts.get(_MASTER, "")))
        hash_ = _HASHES.get(master.text("mAlgorithm").lower())
        iterations = master.whole("mIterations") or 0
        salt = signed(master.items("mSalt"), "mSalt")
        sealed = _sealed(master.inner("mEncryptedKey"))
    except Unusable as problem:
        raise damaged(TITLE, f"its master key can't be read: {problem}") from None
    if hash_ is None:
        raise cannot_read(
            TITLE, "its key is derived in an unknown way", "please report this, with FreeOTP's version"
        )
    password_key = pbkdf2(TITLE, hash_, means.password_of(TITLE).encode(), salt, iterations)
    try:
        return sealed.opened(password_key)
    except Mismatch:
        raise wrong_password(TITLE, or_damaged=True) from None


@dataclass(frozen=True, slots=True)
class _Sealed:
    nonce: bytes
    ciphertext: bytes
    associated: bytes

    def opened(self, key: bytes) -> bytes:
        return open_gcm(key, self.nonce, self.ciphertext, self.associated)


def _sealed(fields: Fields) -> _Sealed:
    parameters = _PARAMETERS.fullmatch(signed(fields.items("mParameters"), "mParameters"))
    if fields.text("mCipher") != _CIPHER or parameters is None:
        raise Unusable("it is encrypted in an unknown way")
    ciphertext = signed(fields.items("mCipherText"), "mCipherText")
    return _Sealed(parameters[1] or parameters[2], ciphertext, fields.text("mToken").encode(errors="replace"))
