"""The distinct ways in which a whole file cannot be read, in one wording for all formats.

What is wrong with a single entry is `entry.Unusable`. No message may hold a secret, or text of the file that might
be one. `title` is the program's name for people ("Aegis").
"""

from appliance.errors import CannotRead, FileDamaged, NothingFound, PasswordMissing, WrongPassphrase


def password_missing(title: str) -> PasswordMissing:
    """Return the error for an encrypted file without a password."""
    return PasswordMissing(
        f"can't open the {title} file", "it is encrypted and needs its password", "--password-file FILE"
    )


def wrong_password(title: str, *, or_damaged: bool = False) -> WrongPassphrase:
    """Return the error for a password that does not open the file; `or_damaged` where the format can't tell these apart."""
    why = "wrong password" + (", or the file is damaged" if or_damaged else "")
    return WrongPassphrase(
        f"can't open the {title} file",
        why,
        "it is the password that was chosen for the export or backup; it is case-sensitive",
    )


def wrong_keys(title: str, *, key_file: bool, or_damaged: bool) -> WrongPassphrase:
    """Return the error for a database that neither a password opens nor, if there is one, a `key_file` with it."""
    why = "wrong password or key file" if key_file else "wrong password, or its key file is missing"
    return WrongPassphrase(
        f"can't open the {title} file",
        why + (", or the file is damaged" if or_damaged else ""),
        "the password is that of the database, and case-sensitive; if it has a key file, it needs both",
    )


def damaged(title: str, why: str) -> FileDamaged:
    """Return the error for a file whose content is not what its format promises."""
    return FileDamaged(f"can't read the {title} file", why, "export it once more, and copy it as it is")


def cannot_read(title: str, why: str, instead: str) -> CannotRead:
    """Return the error for a file that is recognised but can't be read here; `instead` is what its owner can do."""
    return CannotRead(f"can't read the {title} file", why, instead)


def too_new(title: str, what: str, number: object, known: str) -> CannotRead:
    """Return the error for a file of a version that this release does not know."""
    return CannotRead(
        f"can't read the {title} file",
        f"its {what} is {number if isinstance(number, int) and number < 10**9 else 'unknown'}, and {known} can be read",
        "export it in an older format, or as a list of otpauth:// links",
    )


def nothing_in(
    title: str,
    why: str = "there are none",
    instead: str = "export it again, and check that the export holds accounts",
) -> NothingFound:
    """Return the error for a valid file without accounts; `instead` is what its owner can do."""
    return NothingFound(f"can't find accounts in the {title} file", why, instead)
