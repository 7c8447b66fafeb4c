"""No panel: frames go nowhere but to the control socket."""

from collections.abc import Callable

from PIL.Image import Image

from appliance.core.care import Light
from appliance.core.events import Problem


class NoPanel:
    """The port `Display` where there is nothing to light."""

    def start(self, failed: Callable[[Problem], None], back: Callable[[], None]) -> None:
        """Nothing can fail."""

    def show(self, frame: Image) -> None:
        """Show nothing."""

    def light(self, light: Light, contrast: int) -> None:
        """There is nothing to light."""

    def tend(self) -> None:
        """Nothing is ever due."""

    def off(self) -> None:
        """There is nothing to turn off."""

    def stop(self) -> None:
        """There is nothing to let go of."""
