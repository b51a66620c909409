"""The vocabulary as typed data. The words themselves are in vocabulary.yaml, read on first use."""

import math
from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import Field

from pipeline.motion_plan import Colour, Easing, FrozenModel, RegionKind
from pipeline.yaml_files import parse_yaml

VOCABULARY_FILE = Path(__file__).parent.parent / "vocabulary.yaml"


class CameraAction(StrEnum):
    """What a verb does when it speaks of the camera or of the whole picture."""

    ZOOM = "zoom"
    MOVE = "move"
    PAN = "pan"
    TILT = "tilt"
    ROLL = "roll"
    DOLLY_ZOOM = "dolly_zoom"
    SWAY = "sway"
    SHAKE = "shake"
    FADE = "fade"
    PARALLAX = "parallax"


class Subject(StrEnum):
    """Who moves, other than a thing that flows."""

    CAMERA = "camera"
    PICTURE = "picture"
    REST = "rest"


class Joint(StrEnum):
    """How a word or a mark joins what stands before it to what follows."""

    AND = "and"
    COMMA = "comma"
    HARD = "hard"
    THEN = "then"


class Measure(StrEnum):
    """What the number before a unit counts."""

    RATIO = "ratio"
    PERCENT = "percent"
    DEGREES = "degrees"
    SECONDS = "seconds"
    BARE = "bare"
    QUALITY = "quality"


class Entry(FrozenModel):
    """Words with one meaning. `shown` says it to people."""

    shown: str = ""
    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


class Verb(Entry):
    """A movement. `camera` is None where only things move so; `region` is False where only the camera does.

    `sense` is 1 in, -1 out; (x, y) the direction it has by itself; `kind` the thing it speaks of when none is named;
    `falls` makes falling leaves of leaves; `named` keeps it from the camera where nothing says who moves, save in the
    bare form of an order; `depth` asks for a camera in depth, which with `orbit` circles; `instead` says what is done
    where there is none; `factor` scales the amount.
    """

    camera: CameraAction | None = None
    region: bool = False
    sense: int = 0
    x: int = 0
    y: int = 0
    kind: RegionKind | None = None
    swirl: bool = False
    falls: bool = False
    needs_thing: bool = False
    named: bool = False
    factor: float = 1.0
    depth: bool = False
    orbit: bool = False
    instead: str = ""


class Thing(Entry):
    """Something that can flow. `alone`: naming it is enough, else a verb is needed. `wind`: gives way to others."""

    kind: RegionKind
    alone: bool = False
    wind: bool = False
    x: int = 0
    y: int = 0
    swirl: bool = False


class Noun(Entry):
    """The camera, the whole picture, or the rest of it."""

    subject: Subject = Subject.REST


class Beyond(Entry):
    """Things, and with `verb` movements, that this engine cannot do."""

    verb: bool = False


class Direction(Entry):
    """A direction or a place. `place`: only says where something is; `from_side`: for a zoom, where it comes from;
    `axis`: gives way to a direction beside it ("pan horizontally to the left").
    """

    x: int = 0
    y: int = 0
    place: bool = False
    from_side: bool = False
    axis: bool = False


class Turn(Entry):
    """A sense of rotation of the picture: 1 is clockwise."""

    sign: int


class Sense(Entry):
    """In or out. `fades_only`: counts beside a fade and is silent elsewhere."""

    sense: int
    fades_only: bool = False


class Pace(Entry):
    """Speed or amount: `camera` multiplies an amount, `region` a speed."""

    camera: float = Field(gt=0)
    region: float = Field(gt=0)
    easing: Easing | None = None


class Intensifier(Entry):
    """Raises the factor of the pace beside it to a power."""

    power: float


class Ease(Entry):
    """How the camera starts and stops."""

    easing: Easing


class ColourWord(Entry):
    """A colour to fade from or to."""

    hex: Colour


class Still(Entry):
    """Something stands still. `whole`: the camera, whatever stands beside the word."""

    whole: bool = False


class Loop(Entry):
    """The clip leads back into itself; `still` holds the camera too."""

    still: bool = False


class Negation(Entry):
    """Turns round what follows it."""


class Joiner(Entry):
    """A word between two parts."""

    joint: Joint


class Unit(Entry):
    """What follows a number."""

    unit: Measure


class Quantity(Entry):
    """An amount: a number and what it counts."""

    ratio: float
    unit: Measure = Measure.RATIO


class Mood(Entry):
    """Mood and quality: recognised, without effect."""


class Silent(Entry):
    """Function words."""


class Plain(Entry):
    """Known to be no movement: named back like an unknown word, never taken for a misspelling."""


class Compound(FrozenModel):
    """Words that stand for other words of the vocabulary, in order."""

    words: tuple[str, ...]
    means: tuple[str, ...]


class Misspellings(FrozenModel):
    """The words that are recognised with one edit, and the words of their own that lie one edit from them."""

    of: tuple[str, ...]
    words_of_their_own: frozenset[str] = Field(alias="not")


class Amounts(FrozenModel):
    """What a word gives when the prompt names no amount; units as in MotionPlan."""

    gentle_zoom: float
    zoom: float
    pan: float
    roll: float
    dolly_zoom: float
    parallax: float
    sway: float
    sway_rate: float
    shake: float
    shake_rate: float
    fade: float
    near_edge: float


class Vocabulary(FrozenModel):
    """All of vocabulary.yaml."""

    amounts: Amounts
    verbs: dict[str, Verb]
    things: dict[str, Thing]
    nouns: dict[str, Noun]
    beyond: dict[str, Beyond]
    directions: dict[str, Direction]
    turns: dict[str, Turn]
    senses: dict[str, Sense]
    paces: dict[str, Pace]
    intensifiers: dict[str, Intensifier]
    easings: dict[str, Ease]
    colours: dict[str, ColourWord]
    stills: dict[str, Still]
    loops: dict[str, Loop]
    negations: dict[str, Negation]
    joints: dict[str, Joiner]
    units: dict[str, Unit]
    quantities: dict[str, Quantity]
    moods: dict[str, Mood]
    silent: Silent
    plain: Plain
    compounds: tuple[Compound, ...]
    misspellings: Misspellings
    traditional: str
    simplified: str

    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in the order of the file."""
        groups = (
            self.verbs, self.things, self.nouns, self.beyond, self.directions, self.turns, self.senses, self.paces,
            self.intensifiers, self.easings, self.colours, self.stills, self.loops, self.negations, self.joints,
            self.units, self.quantities, self.moods,
        )  # fmt: skip
        return (*(entry for group in groups for entry in group.values()), self.silent, self.plain)


@cache
def vocabulary() -> Vocabulary:
    """Read the vocabulary, once."""
    return Vocabulary.model_validate(parse_yaml(VOCABULARY_FILE.read_text(encoding="utf-8")))


def degrees_of(x: float, y: float) -> float:
    """Return the angle of a vector of the picture (y down) as a plan counts it: 0 right, 90 up, in [0, 360)."""
    return round(math.degrees(math.atan2(-y, x)) % 360, 1)
