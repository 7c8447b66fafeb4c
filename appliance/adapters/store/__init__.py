"""The state folder: the vault file and its older generations, the lock, this device's name, secret and memory."""

from appliance.adapters.store.folder import READ_LIMIT, StateFolder

__all__ = ["READ_LIMIT", "StateFolder"]
