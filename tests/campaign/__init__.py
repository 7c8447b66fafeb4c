"""A household in a bad neighbourhood, at random and for minutes or hours; see `story`."""
