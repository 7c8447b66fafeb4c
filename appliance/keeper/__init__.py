"""The only holder of keys. `keeper` is what others use; `card` reads and saves, `locksmith` makes keys."""

from appliance.keeper.keeper import Keeper
from appliance.keeper.kept import BY_ITSELF, Door, Kept

__all__ = ["BY_ITSELF", "Door", "Keeper", "Kept"]
