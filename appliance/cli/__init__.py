"""The commands: the only place that prints or prompts."""


def main() -> int:
    """Run the command that the arguments name, and return its exit code."""
    return 0
