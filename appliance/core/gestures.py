"""Moves of keys -> gestures: what a hand meant, from the edges that contacts make.

Two stages, both pure. The first takes bounce and noise off a contact: a key counts as down after `STEADY_DOWN` without
an edge, and as up after `STEADY_UP`. Acting on the first edge and looking away afterwards would be quicker by those
milliseconds, but a spike on the wire is a first edge too, and would step to another account. Down needs less than up
because the shortest press (30 ms, of which 15 ms bounce) leaves 15 ms of rest, and the longest noise that must not
count (a floating wire, 50 Hz hum) rests for 10 ms: the limit lies between them. Up may take longer, nobody waits for
it, and a worn contact opens for a moment while it is held. So a press acts one deadline after its last bounce, in the
turn that draws it.

The second stage knows what each key does in each layout (`_ROLES`), and does nothing while a contact is restless: no
hold and no repeat comes from a finger that is just leaving, or from a loose wire.

Every time is that of the edges themselves, never that of their handling: an edge that waited in the inbox is ordered
by its own time, and one that is older than what is known of its key says nothing. A loop that was away for long
finds one repeat, not all that it missed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal, assert_never

Key = Literal["previous", "next", "ok", "left", "right", "up", "down", "centre", "key1", "key2", "key3"]
"""A physical key."""
Layout = Literal["three", "two", "one", "joystick"]
"""Which keys there are: previous, next, ok; next, ok; ok; or a five-way stick with keys beside it."""
Action = Literal["previous", "next", "ok", "back", "select", "list", "menu", "blank", "lock"]

STEADY_DOWN: Final = 0.0125
"""Seconds of rest after which a key counts as down."""
STEADY_UP: Final = 0.02
"""Seconds of rest after which it counts as up again, and after which an edge begins something new."""
STEADY_AFTER_NOISE: Final = 0.05
"""Seconds of rest that a key needs to count as down when its contact had been restless for longer than any bounce."""
BOUNCE_SECONDS: Final = 0.02
REPEAT_AFTER: Final = 0.5
"""Seconds until a held key repeats; with two buttons also what makes "next" a "previous"."""
HOLD_AFTER: Final = 0.8
DOUBLE_WITHIN: Final = 0.3
"""Seconds from a release to the second press of a double one."""
TOGETHER_WITHIN: Final = 0.08
"""Seconds between two keys that were meant to go down together."""
LOCK_AFTER: Final = 3.0
STUCK_AFTER: Final = 60.0


@dataclass(frozen=True, slots=True)
class Moved:
    """A contact closed or opened, or bounced."""

    key: Key
    down: bool
    """The level after the edge."""
    mono: float
    """When, on the base of `Instant.mono`."""


@dataclass(frozen=True, slots=True)
class Gestured:
    """Somebody did something to a button, or asked for it from afar."""

    action: Action
    repeat: int = 0
    """0: the hand did it; n: the nth automatic repeat while it holds on."""


@dataclass(frozen=True, slots=True)
class _Role:
    """What a key does."""

    press: Action | None = None
    """At once."""
    release: Action | None = None
    """When it was let go before it counted as held."""
    double: Action | None = None
    """At a second press; `release` then waits until there can be none."""
    hold: Action | None = None
    hold_after: float = HOLD_AFTER
    repeats: bool = False
    """`hold` comes again and again, faster and faster."""


_PREVIOUS: Final = _Role(press="previous", hold="previous", hold_after=REPEAT_AFTER, repeats=True)
_NEXT: Final = _Role(press="next", hold="next", hold_after=REPEAT_AFTER, repeats=True)
_OK: Final = _Role(release="ok", hold="back")

_ROLES: Final[Mapping[Layout, Mapping[Key, _Role]]] = MappingProxyType(
    {
        "three": {"previous": _PREVIOUS, "next": _NEXT, "ok": _OK},
        "two": {
            "next": _Role(release="next", hold="previous", hold_after=REPEAT_AFTER, repeats=True),
            "ok": _OK,
        },
        "one": {"ok": _Role(release="next", double="previous", hold="select")},
        "joystick": {
            "left": _PREVIOUS,
            "right": _NEXT,
            "up": _PREVIOUS,
            "down": _NEXT,
            "centre": _OK,
            "key1": _Role(press="list"),
            "key2": _Role(press="menu"),
            "key3": _Role(press="blank"),
        },
    }
)

_PAIR: Final[frozenset[Key]] = frozenset({"previous", "next"})
_STICK: Final[frozenset[Key]] = frozenset({"left", "right", "up", "down", "centre"})


@dataclass(frozen=True, slots=True)
class _Contact:
    """What is known of a key."""

    level: bool = False
    """Down, as last seen."""
    edge_at: float = float("-inf")
    restless_at: float = float("-inf")
    """When the edges began of which the last was at `edge_at`."""
    down: bool = False
    """Down, without bounce and noise."""
    pressed_at: float = 0.0
    coming: Gestured | None = None
    """What it does at `due`, if nothing comes between."""
    due: float = 0.0
    spent: bool = False
    """This press has done what it does; letting go does nothing."""
    stuck: bool = False

    @property
    def held(self) -> bool:
        """A hand is on it."""
        return self.down and not self.stuck


@dataclass(frozen=True, slots=True)
class Buttons:
    """What is known of all keys; starts with none of them down."""

    contacts: Mapping[Key, _Contact] = field(default_factory=dict)


_Turn = tuple[Buttons, tuple[Gestured, ...]]
_Step = Literal["settle", "stick"] | Gestured


def moved(buttons: Buttons, event: Moved, layout: Layout) -> _Turn:
    """Return what an edge makes of the buttons, and the gestures that came due before it.

    A key that the layout lacks is ignored, and so is an edge that is older than the last one of its key.
    """
    if event.key not in _ROLES[layout] or event.mono < _contact(buttons, event.key).edge_at:
        return buttons, ()
    buttons, acted = elapsed(buttons, event.mono, layout)
    contact = _contact(buttons, event.key)
    calm = event.mono - contact.edge_at >= STEADY_UP
    contact = replace(
        contact,
        level=event.down,
        edge_at=event.mono,
        restless_at=event.mono if calm else contact.restless_at,
    )
    return _with(buttons, event.key, contact), acted


def elapsed(buttons: Buttons, mono: float, layout: Layout) -> _Turn:
    """Return the buttons at a later time, and the gestures that came due until then.

    Call it when a deadline passed and no edge waits to be handled; `deadline` then lies after `mono`.
    """
    acted: list[Gestured] = []
    while (upcoming := _upcoming(buttons)) is not None and upcoming[0] <= mono:
        _, key, step = upcoming
        match step:
            case "settle":
                buttons, more = (
                    _released(buttons, key, layout)
                    if _contact(buttons, key).down
                    else _pressed(buttons, key, layout)
                )
            case "stick":
                stuck_one = replace(_contact(buttons, key), stuck=True, spent=True, coming=None)
                buttons, more = _with(_parted(buttons, key), key, stuck_one), ()
            case Gestured():
                buttons, more = _came(buttons, key, step, mono, layout)
            case _:
                assert_never(step)
        acted.extend(more)
    return buttons, tuple(acted)


def deadline(buttons: Buttons) -> float | None:
    """Return the monotonic time at which `elapsed` has something to do; None: not before the next edge."""
    upcoming = _upcoming(buttons)
    return None if upcoming is None else upcoming[0]


def stuck(buttons: Buttons) -> tuple[Key, ...]:
    """Return the keys, in order of their names, that are held for so long that no hand does it."""
    return tuple(sorted(key for key, contact in buttons.contacts.items() if contact.stuck))


def went_down(before: Buttons, after: Buttons) -> bool:
    """Return whether a hand went down on a key between the two."""
    return any(contact.held and not _contact(before, key).held for key, contact in after.contacts.items())


def used_up(buttons: Buttons) -> Buttons:
    """Return the buttons with nothing more to come of the keys that are down: a press that wakes does no more."""
    return Buttons(
        {
            key: replace(contact, spent=True, coming=None) if contact.down else contact
            for key, contact in buttons.contacts.items()
        }
    )


def _contact(buttons: Buttons, key: Key) -> _Contact:
    return buttons.contacts.get(key, _Contact())


def _with(buttons: Buttons, key: Key, contact: _Contact) -> Buttons:
    return Buttons({**buttons.contacts, key: contact})


def _upcoming(buttons: Buttons) -> tuple[float, Key, _Step] | None:
    return min(
        (
            (at, key, step)
            for key, contact in buttons.contacts.items()
            for at, step in _steps(buttons, contact)
        ),
        key=lambda one: one[:2],
        default=None,
    )


def _steps(buttons: Buttons, contact: _Contact) -> list[tuple[float, _Step]]:
    steps: list[tuple[float, _Step]] = []
    if contact.level != contact.down:
        steps.append((contact.edge_at + _patience(contact), "settle"))
    elif contact.coming is not None:
        needed = [contact] if contact.coming.action != "lock" else [_contact(buttons, one) for one in _PAIR]
        if all(one.level == one.down for one in needed):
            rested_at = max(one.edge_at for one in needed) + STEADY_DOWN
            steps.append((max(contact.due, rested_at), contact.coming))
    if contact.held:
        steps.append((contact.pressed_at + STUCK_AFTER, "stick"))
    return steps


def _patience(contact: _Contact) -> float:
    if contact.down:
        return STEADY_UP
    return STEADY_DOWN if contact.edge_at - contact.restless_at <= BOUNCE_SECONDS else STEADY_AFTER_NOISE


def _pressed(buttons: Buttons, key: Key, layout: Layout) -> _Turn:
    role = _ROLES[layout][key]
    before = _contact(buttons, key)
    contact = replace(before, down=True, pressed_at=before.edge_at, coming=None, spent=False)
    if before.coming is not None and role.double is not None:
        return _with(buttons, key, replace(contact, spent=True)), (Gestured(role.double),)
    if key in _STICK and any(_contact(buttons, other).held for other in _STICK):
        # A stick that is pushed slantwise, or tilts under the thumb, closes a second contact that nobody meant.
        return _with(buttons, key, replace(contact, spent=True)), ()
    if key in _PAIR and any(_contact(buttons, other).held for other in _PAIR):
        return _joined(buttons, key, contact, role)
    if role.hold is not None:
        coming = Gestured(role.hold, 1 if role.press == role.hold else 0)
        contact = replace(contact, coming=coming, due=contact.pressed_at + role.hold_after)
    return _with(buttons, key, contact), () if role.press is None else (Gestured(role.press),)


def _joined(buttons: Buttons, key: Key, contact: _Contact, role: _Role) -> _Turn:
    """The second of the pair went down: no more repeats, and a lock if both stay.

    The first has acted at its press. Waiting to see whether another key follows would make every step slower for the
    sake of a gesture that is made once a day; and what it did costs nothing, since the lock hides the account. A
    second key that follows at once belongs to the chord and does nothing. One that comes later may be a thumb that
    rolls from one key to the other: it acts, which in a slow chord also takes the first step back.
    """
    other: Key = "next" if key == "previous" else "previous"
    first = _contact(buttons, other)
    buttons = _with(buttons, other, replace(first, coming=None))
    buttons = _with(
        buttons, key, replace(contact, coming=Gestured("lock"), due=contact.pressed_at + LOCK_AFTER)
    )
    together = contact.pressed_at - first.pressed_at <= TOGETHER_WITHIN
    return buttons, () if together or role.press is None else (Gestured(role.press),)


def _parted(buttons: Buttons, key: Key) -> Buttons:
    """Take back the lock that waits for the pair, since one of it is held no longer."""
    for other in _PAIR:
        contact = _contact(buttons, other)
        if key in _PAIR and contact.coming == Gestured("lock"):
            buttons = _with(buttons, other, replace(contact, coming=None))
    return buttons


def _released(buttons: Buttons, key: Key, layout: Layout) -> _Turn:
    role = _ROLES[layout][key]
    before = _contact(buttons, key)
    contact = replace(before, down=False, stuck=False, coming=None)
    buttons = _with(_parted(buttons, key), key, contact)
    if before.spent or role.release is None:
        return buttons, ()
    if role.double is None:
        return buttons, (Gestured(role.release),)
    click = replace(contact, coming=Gestured(role.release), due=contact.edge_at + DOUBLE_WITHIN)
    return _with(buttons, key, click), ()


def _came(buttons: Buttons, key: Key, acted: Gestured, mono: float, layout: Layout) -> _Turn:
    """What was coming came: a hold, a repeat, a lock, or the end of the wait for a second press."""
    contact = replace(_contact(buttons, key), coming=None, spent=True)
    if _ROLES[layout][key].repeats and acted.action != "lock":
        again = replace(acted, repeat=acted.repeat + 1)
        contact = replace(contact, coming=again, due=mono + _pause(acted.repeat))
    return _with(buttons, key, contact), (acted,)


def _pause(repeat: int) -> float:
    """Seconds after the nth repeat: 5 a second at first, half a step faster each time, 12 a second in the end."""
    return 1.0 / min(12.0, 5.0 + 0.5 * max(0, repeat - 1))
