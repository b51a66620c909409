"""A film painted over: in a named style, or with the colours and the surface of a picture; no weights are needed."""

from pipeline.style.by_image import ImagePainter, ImageStyle
from pipeline.style.by_recipe import RecipePainter
from pipeline.style.film import Painter, styled
from pipeline.style.recipe import Recipe, get_recipe
from pipeline.style_settings import style_names

__all__ = [
    "ImagePainter",
    "ImageStyle",
    "Painter",
    "Recipe",
    "RecipePainter",
    "get_recipe",
    "style_names",
    "styled",
]
