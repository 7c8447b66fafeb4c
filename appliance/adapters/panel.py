"""No panel: frames go nowhere but to the control socket."""

from PIL.Image import Image


class NoPanel:
    """The port `Display` where there is nothing to light."""

    def show(self, frame: Image) -> None:
        """Show nothing."""

    def off(self) -> None:
        """There is nothing to turn off."""
