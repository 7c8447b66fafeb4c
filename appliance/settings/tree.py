"""The tree of all settings, and the names of its keys."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from appliance.settings.contradictions import Contradiction, contradictions
from appliance.settings.sections import (
    ButtonSettings,
    ClockSettings,
    DisplaySettings,
    HomeAssistantSettings,
    MqttSettings,
    VaultSettings,
)
from appliance.settings.values import FilePath, Name

PREFIX: Final = "APPLIANCE_"
"""Of the variables."""
CONTRADICTION: Final = "contradiction"
"""The type of a contradiction's error; `needs` in its context are the keys that it depends on."""


class Settings(BaseSettings):
    """All settings. Constructing it reads neither the environment nor a file: that is `load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
    )

    name: Name | None = None
    """This device; None: the host's name. Used once, by `init` and `restore`."""
    state_dir: FilePath = Path("/var/lib/otp-appliance")
    runtime_dir: FilePath = Path("/run/otp-appliance")
    vault: VaultSettings = VaultSettings()
    display: DisplaySettings = DisplaySettings()
    buttons: ButtonSettings = ButtonSettings()
    clock: ClockSettings = ClockSettings()
    mqtt: MqttSettings = MqttSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        """Runs once every value by itself is right; pydantic takes each error into its own list."""
        errors = [_error(one) for one in contradictions(self.display, self.buttons, self.mqtt)]
        if errors:
            raise ValidationError.from_exception_data(CONTRADICTION, errors, hide_input=True)
        return self

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # the sources left out are passed by name
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- pydantic-settings names the arguments
        init_settings: PydanticBaseSettingsSource,
        **_others: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the arguments and nothing else."""
        return (init_settings,)


def _error(one: Contradiction) -> InitErrorDetails:
    context: dict[str, Any] = {"needs": one.needs}
    kind = PydanticCustomError(CONTRADICTION, one.why, context)
    return InitErrorDetails(type=kind, loc=tuple(one.key.split(".")), input=None)


def settings_keys(model: type[BaseModel] = Settings) -> Iterator[str]:
    """Yield the dotted key of every setting, in the order of the example."""
    for key, setting in model.model_fields.items():
        section = section_of(setting.annotation)
        if section is None:
            yield key
        else:
            yield from (f"{key}.{inner}" for inner in settings_keys(section))


def every_key() -> list[str]:
    """Return the dotted keys of all settings, and then those of all sections."""
    keys = list(settings_keys())
    return keys + sorted({key.rpartition(".")[0] for key in keys} - {""})


def section_of(annotation: object) -> type[BaseModel] | None:
    """Return the section that a field holds; None: it holds a value."""
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
