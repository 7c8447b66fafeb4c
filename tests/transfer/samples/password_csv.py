"""CSV files of password managers, each with the header of its program."""

import io
import zipfile
from typing import Final

from tests.transfer.samples import OTHER, SECRET, Essence, Sample, hotp, totp

LINK: Final = f"otpauth://totp/Example:alice?secret={SECRET}&issuer=Example"
EXAMPLE: Final = totp("Example", "alice")
ACME: Final = totp("Acme", "bob", OTHER)
SAFARI: Final = (
    f"Title,Url,Username,Password,OTPAuth\nexample.com (alice),,alice,hunter2,{LINK}\nAcme,,bob,,\n"
)


def zipped(**members: str) -> bytes:
    """Return an archive of members; an underscore stands for the dot of a name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("_", ".")), text)
    return file.getvalue()


def _sample(program: str, text: str, *accounts: Essence, skipped: int = 0) -> Sample:
    return Sample(f"{program} CSV", "csv", (text.encode(),), accounts, skipped=skipped)


SAMPLES: Final = (
    _sample(
        "1Password",
        "Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\n"
        f'Example login,https://example.com,alice,"p,w",{LINK},true,false,"work,servers","many\nlines"\n'
        f"Acme,https://acme.example,bob,hunter2,{OTHER},false,true,,\n"
        "No code,https://example.com,carol,hunter2,,false,false,,\n"
        "Broken,https://example.com,dora,hunter2,0189,false,false,,\n",
        EXAMPLE,
        ACME,
        skipped=1,
    ),
    _sample("Safari", SAFARI, EXAMPLE),
    _sample(
        "Apple Passwords",
        f"Title,URL,Username,Password,Notes,OTPAuth\nexample.com,,alice,hunter2,,{LINK}\n",
        EXAMPLE,
    ),
    _sample(
        "Proton Pass",
        "type,name,url,email,username,password,note,totp,createTime,modifyTime,vault\n"
        f"login,Acme,https://acme.example,bob,,hunter2,,{OTHER},1700000000,1700000000,Personal\n",
        ACME,
    ),
    _sample("old Proton Pass", f"name,url,username,password,note,totp\nAcme,,bob,hunter2,,{OTHER}\n", ACME),
    _sample(
        "LastPass",
        "url,username,password,totp,extra,name,grouping,fav\n"
        f"https://acme.example,bob,hunter2,{OTHER},,Acme,Work,1\nhttp://sn,,,,a note,A note,,0\n",
        ACME,
    ),
    _sample(
        "Dashlane",
        "username,username2,username3,title,password,note,url,category,otpUrl\n"
        f"alice,,,Example login,hunter2,,https://example.com,Work,{LINK}\n",
        EXAMPLE,
    ),
    _sample(
        "old Dashlane", f"username,title,password,note,url,category,otpSecret\nbob,Acme,x,,,,{OTHER}\n", ACME
    ),
    _sample(
        "Myki", f"nickname,url,username,password,additionalInfo,twofaSecret\nAcme,,bob,x,,{OTHER}\n", ACME
    ),
    _sample(
        "Synology",
        f"Display_Name,Login_Username,Login_Password,Login_TOTP,Login_URLs,Notes,Favorite\nAcme,bob,x,{OTHER},,,\n",
        ACME,
    ),
    _sample(
        "extract_otp_secrets for KeePass",
        f"Title,User Name,TimeOtp-Secret-Base32,Group\nAcme,bob,{OTHER},OTP/TOTP\n",
        ACME,
    ),
    _sample(
        "extract_otp_secrets HOTP for KeePass",
        f"Title,User Name,HmacOtp-Secret-Base32,HmacOtp-Counter,Group\nAcme,bob,{OTHER},4,OTP/HOTP\n",
        hotp("Acme", "bob", OTHER, counter=4),
    ),
    Sample(
        "Safari zip",
        "csv",
        (zipped(History_json="{}", Passwords_csv=SAFARI, Other_csv="a,b\n1,2\n"),),
        (EXAMPLE,),
    ),
)
