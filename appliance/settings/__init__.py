"""config.yaml and `APPLIANCE_...` variables -> one frozen tree of settings.

Rules:

1. Every key is optional; a variable wins over the file, the file over the defaults.
2. `load` is the only reader of both, and reports every problem at once.
3. Passwords are paths to files. A key of a path ends in `_dir` or `_file`: that is how a relative path in the file
   finds the file's folder.
4. All values reach pydantic as text, from the file too: so `username: no` and `name: 2024-01-01` mean what they look
   like, and a file and a variable understand the same words.
5. Nobody else imports pydantic or yaml.

values          what a single value may be
sections        the settings of one thing: the panel, the buttons, the broker, ...
fitting         the board, with everything that settings override
contradictions  settings that are right one by one and wrong together
tree            all sections, checked
document        what the file says, and where
variables       what the environment says
report          everything that is wrong, in one error
reading         file and environment -> settings
"""

from appliance.settings.document import LIMIT
from appliance.settings.fitting import fitted
from appliance.settings.reading import DEFAULT_PATH, load
from appliance.settings.sections import (
    ButtonSettings,
    ClockSettings,
    DisplaySettings,
    HomeAssistantSettings,
    MqttSettings,
    PinSettings,
    TlsSettings,
    VaultSettings,
)
from appliance.settings.tree import PREFIX, Settings, settings_keys
from appliance.settings.values import Board, Driver
from appliance.settings.variables import NAMED_BY

__all__ = [
    "DEFAULT_PATH",
    "LIMIT",
    "NAMED_BY",
    "PREFIX",
    "Board",
    "ButtonSettings",
    "ClockSettings",
    "DisplaySettings",
    "Driver",
    "HomeAssistantSettings",
    "MqttSettings",
    "PinSettings",
    "Settings",
    "TlsSettings",
    "VaultSettings",
    "fitted",
    "load",
    "settings_keys",
]
