"""Lets `python -m appliance` do what the command `appliance` does."""

import sys

from appliance.cli import main

if __name__ == "__main__":
    sys.exit(main())
