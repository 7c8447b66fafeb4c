"""A desk appliance for one-time codes, with verified backups on the household's MQTT broker.

The map, from the outside in:

cli       the commands: the only place that prints or prompts
daemon    every part joined: settings -> adapters -> loop
errands   what a command does at the broker by itself
answer    a piece of work for the keeper -> the event that tells of it
app       the parts that commands and daemon share, made from the settings
hardware  board and settings -> which panel, which pins
loop      the shell: one inbox, one thread that owns the state
keeper    the vault on the card: keeper (open, change, check), card (read, save), locksmith (make keys)
keyring   the keys in hand, and every way to come to them; wrong PINs are counted
settings  config.yaml -> frozen settings
logs      stdlib logging to stderr, with journald priorities
adapters  one library or one corner of the operating system each, no decisions
ports     every seam on one page
board     presets of the boards people buy
core      decisions, no I/O: step(state, event, now) and render(state, now)
transfer  other programs' formats, no I/O
vault     values, file format, keys, codes, merging; no I/O
errors    what went wrong, why, and what to do
"""

__version__ = "0.1.0"
