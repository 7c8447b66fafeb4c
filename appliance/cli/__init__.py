"""The commands: the only place that prints or prompts.

Rules: stdout is the answer, stderr everything else. Secrets come by prompt, file or standard input, never by flag or
environment. Files named on the command line are opened before root becomes the owner of the state folder. Every
foreseen error is two lines and an exit code; a traceback is a bug, exit 70.
"""

from appliance.cli.main import main

__all__ = ["main"]
