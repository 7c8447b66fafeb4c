"""CSV files of KeePassXC."""

from typing import Final

from tests.transfer.samples import OTHER, SECRET, Sample, steam, totp

HEADER: Final = (
    '"Group","Title","Username","Password","URL","Notes","TOTP","Icon","Last Modified","Created"\n'
)


def entry(
    title: str, user: str, code: str, group: str = "Root", note: str = "", password: str = "hunter2"
) -> str:
    """Return a row as KeePassXC writes it."""
    values = (
        group,
        title,
        user,
        password,
        "https://example.com",
        note,
        code,
        "0",
        "2026-01-02T03:04:05Z",
        "",
    )
    return ",".join('"' + value.replace('"', '""') + '"' for value in values) + "\n"


SAMPLES: Final = (
    Sample(
        "KeePassXC CSV",
        "keepassxc-csv",
        (
            "".join(
                (
                    HEADER,
                    entry("A login", "alice", "", note="otpauth://totp/an:old?secret=ABCD\nin a note"),
                    entry(
                        "Example",
                        "alice",
                        f"otpauth://totp/Example:alice?secret={SECRET}&period=60&digits=8&issuer=Example&algorithm=SHA256",
                        "Root/Work/Servers",
                    ),
                    entry(
                        "",
                        "bob",
                        f"otpauth://totp/KeePassXC:bob?secret={OTHER}&period=30&digits=6&issuer=KeePassXC",
                    ),
                    entry(
                        "Games",
                        "",
                        f"otpauth://totp/Games:none?secret={SECRET}&period=30&digits=5&issuer=Games&encoder=steam",
                    ),
                    entry("Gone", "bob", OTHER, "Root/Recycle Bin"),
                    entry("Broken", "bob", "0189"),
                )
            ).encode(),
        ),
        (totp("Example", "alice", SECRET, "SHA256", 8, 60), totp("", "bob", OTHER), steam("Games", "")),
        skipped=1,
    ),
)
