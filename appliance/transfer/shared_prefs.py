"""The XML file in which an Android app keeps its settings, as it is copied from a rooted phone.

`<map>` holds one element a setting: `<string name="…">text</string>`, and `<int>`, `<boolean>` and others with their
value in an attribute. Only the texts are of use here; accounts are JSON in one of them. Source: Android's
SharedPreferences; no official specification.
"""

from typing import Any

from appliance.transfer.content import Content


def strings(content: Content) -> dict[str, str]:
    """Return the texts of a settings file by their names, in its order; none for anything else."""
    root = content.xml
    if root is None or root.tag != "map":
        return {}
    return {
        name: each.text or "" for each in root.findall("string") if (name := each.get("name")) is not None
    }


def json_of(text: str) -> Any:
    """Return the value of a JSON text inside a file, under the limits of a whole file; None if it is none."""
    return Content(text.encode(errors="replace")).json
