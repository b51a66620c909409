"""Recipes of the named styles: data in configs/styles, one file a style."""

import difflib
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from pipeline.errors import InvalidSetting
from pipeline.motion_plan import Colour, FrozenModel
from pipeline.style_settings import STYLES, style_names
from pipeline.yaml_files import parse_yaml


class Recipe(FrozenModel):
    """How a named style is painted; every step that is 0 is left out. Lengths are pixels of a film 720 pixels high."""

    title: str
    """Its name for people."""

    prompt: str = ""
    """What a model that paints is told of it."""

    glow: float = Field(0.0, ge=0.0, le=1.0)
    """How much bright places shine over what is around them."""

    dabs: float = Field(0.0, ge=0.0, le=16.0)
    """Radius of flat dabs of paint with sharp edges."""

    smear: float = Field(0.0, ge=0.0, le=40.0)
    """Length over which paint is drawn along the lines of the picture."""

    lift: float = Field(0.0, ge=-1.0, le=0.8)
    """How much lighter everything becomes but black and white."""

    contrast: float = Field(1.0, ge=0.0, le=2.0)
    """Contrast around middle grey."""

    saturation: float = Field(1.0, ge=0.0, le=3.0)
    """Strength of the colours: 0 is grey."""

    tones: tuple[Colour, ...] = Field((), max_length=8)
    """Colours from darkest to lightest that the lightness is drawn in."""

    toning: float = Field(1.0, ge=0.0, le=1.0)
    """How much of `tones` there is; the rest are the picture's own colours."""

    pigment: float = Field(0.0, ge=0.0, le=1.0)
    """How unevenly pigment settles: clouds of it, and a dark rim where colours end."""

    hatching: float = Field(0.0, ge=0.0, le=1.0)
    """How much of the tone is made by hatching."""

    strokes: float = Field(0.0, ge=0.0, le=60.0)
    """Length of bristle strokes that run along the lines of the picture."""

    relief: float = Field(0.0, ge=0.0, le=1.0)
    """How thick paint lies in those strokes."""

    lines: float = Field(0.0, ge=0.0, le=1.0)
    """How dark outlines are drawn."""

    line_width: float = Field(1.2, ge=0.5, le=6.0)
    """Their width."""

    line_sharpness: float = Field(40.0, ge=1.0, le=400.0)
    """How suddenly a line begins: low is a soft pencil, high is ink."""

    paper: float = Field(0.0, ge=0.0, le=1.0)
    """How much of the tooth of the paper shows."""

    vignette: float = Field(0.0, ge=0.0, le=1.0)
    """How much the corners darken."""


def get_recipe(name: str) -> Recipe:
    """The recipe of a named style. Raises InvalidSetting when there is none of that name, or its file is wrong."""
    if name not in style_names():
        near = difflib.get_close_matches(name.lower().replace(" ", "-"), style_names(), 1)
        hint = f"did you mean '{near[0]}'?" if near else f"choose one of {', '.join(style_names())}."
        raise InvalidSetting(f"There is no style '{name}': {hint}")
    return _read(STYLES / f"{name}.yaml")


def _read(path: Path) -> Recipe:
    try:
        return Recipe.model_validate(parse_yaml(path.read_text("utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise InvalidSetting(f"The file of the style '{path.stem}' is wrong ({first}): mend {path.name}.") from None
