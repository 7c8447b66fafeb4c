"""The only holder of keys. `keeper` is what others use; `card` reads and saves, `locksmith` makes keys."""

from appliance.keeper.keeper import SECRETS_TRIED, Keeper
from appliance.keeper.kept import BY_ITSELF, Door, Kept, Mode

__all__ = ["BY_ITSELF", "SECRETS_TRIED", "Door", "Keeper", "Kept", "Mode"]
