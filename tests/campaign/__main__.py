"""Run it: `python -m tests.campaign --minutes 60 [--seed N]`; exit code 1, and the story so far, at the first loss."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.brokers import mosquitto
from tests.campaign.story import Story
from tests.household import household


def main() -> int:
    """Run a campaign."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    print(f"campaign of {arguments.minutes:g} minutes, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(dir="/tmp") as scratch:
        folder = Path(scratch)
        (folder / "broker").mkdir()
        lines = ("allow_anonymous true", "persistence true", "autosave_interval 1")
        with (
            mosquitto(folder / "broker", *lines) as broker,
            household(folder, broker.port, "desk") as (desk,),
        ):
            story = Story(desk, broker, random.Random(arguments.seed))
            try:
                story.run(arguments.minutes * 60)
            except BaseException:
                print("\n".join(story.told[-60:]), flush=True)
                raise
            finally:
                print(story.figures(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
