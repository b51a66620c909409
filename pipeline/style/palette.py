"""The colours of one picture given to another: a map of all colours, kept as a lattice that is quick to look up.

First the optimal transport between two Gaussians (F. Pitie and A. Kokaram, "The linear Monge-Kantorovitch linear colour
mapping", CVMP 2007) brings mean and covariance over; then sliced transport (F. Pitie et al., "Automated colour grading
using colour distribution transfer", CVIU 2007) brings over what a Gaussian does not tell, such as two separate hues.
Both move points, so that the nodes of the lattice travel with the content's pixels and end where those colours go.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipeline.frames import Frame
from pipeline.style.oklab import Colours, to_oklab, to_srgb

NODES = 33
"""Nodes of the lattice a side, as is usual for grading; between them it is interpolated linearly."""

MAX_GAIN = 2.0
"""How much contrast may grow in any direction of colour: more than this shows the content's noise."""

_SAMPLES = 6000
"""About how many pixels stand for a picture."""

_SLICES = 8
"""Bases, of three directions each, along which the rest is moved. Chosen by eye on four photos."""

_QUANTILES = np.linspace(0.0, 1.0, 33)
"""Few, so that curves are smooth: fine steps of a histogram are chance, and would break up soft shades."""

_STEP = 0.6
"""Share of the way that each slice goes, so that no single direction decides. Chosen by eye."""

_LEAST_DEVIATION = 0.01
"""In OKLab, about one and a half 8-bit levels: below it, deviation is noise."""

_BLUR = 1.2
"""Blur of the map in nodes, for neighbours to stay neighbours."""

_Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class ColourMap:
    """Where each colour of sRGB goes. `nodes` is float32, 0 to 1, shape (NODES, NODES, NODES, 3): blue, green, red."""

    nodes: NDArray[np.float32]

    def __call__(self, frame: Frame) -> Frame:
        """A frame in its new colours."""
        table = ImageFilter.Color3DLUT(NODES, np.ascontiguousarray(self.nodes).ravel())
        return np.asarray(Image.fromarray(frame).filter(table), np.uint8)

    def towards(self, other: "ColourMap", share: float) -> "ColourMap":
        """The map that is `share` (0 to 1) of the way to another."""
        return ColourMap(np.asarray(self.nodes + np.float32(share) * (other.nodes - self.nodes), np.float32))


def samples(frame: Frame) -> Colours:
    """The colours of a picture in OKLab, shape (about 6000, 3), from an even grid of small means."""
    height, width = frame.shape[:2]
    scale = min(1.0, float(np.sqrt(_SAMPLES / (height * width))))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return to_oklab(np.asarray(small.reshape(-1, 3) / 255.0, np.float64))


def transport(content: Colours, style: Colours) -> ColourMap:
    """The map that gives the colours `content` the distribution of `style`; both OKLab, shape (any, 3)."""
    count = len(content)
    base = _linear(np.concatenate([content, to_oklab(_lattice())]), content, style)
    points = base
    generator = np.random.default_rng(0)
    for _ in range(_SLICES):
        basis = np.linalg.qr(generator.standard_normal((3, 3)))[0]
        points = _sliced(points, count, style, basis)
    points = _linear(points, points[:count], style)
    # What goes beyond the Gaussians is smoothed, so that neighbours stay neighbours and a grey style stays grey.
    beyond = _smooth(points[count:] - base[count:], _occupancy(content))
    nodes = to_srgb(base[count:] + beyond).reshape(NODES, NODES, NODES, 3)
    return ColourMap(nodes.astype(np.float32))


def learned(content: Frame, painted: Frame) -> ColourMap:
    """The map from the colours of a picture to those that a painting has in the same places, in the mean.

    Both have one size. Colours far from all that the picture has stay what they are.
    """
    scale = min(1.0, float(np.sqrt(_SAMPLES / (content.shape[0] * content.shape[1]))))
    size = max(1, round(content.shape[1] * scale)), max(1, round(content.shape[0] * scale))
    small = (cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in (content, painted))
    before, after = (np.asarray(each.reshape(-1, 3) / 255.0, np.float64) for each in small)
    nodes = _nodes(before)
    counts = np.bincount(nodes, minlength=NODES**3)
    sums = [np.bincount(nodes, (after - before)[:, channel], NODES**3) for channel in range(3)]
    moves = np.stack(sums, axis=-1) / np.maximum(counts, 1)[:, None]
    weight = (counts / len(nodes)).reshape(NODES, NODES, NODES).astype(np.float32)
    made = _lattice() + _smooth(moves, weight)
    return ColourMap(np.clip(made, 0, 1).reshape(NODES, NODES, NODES, 3).astype(np.float32))


def _lattice() -> Colours:
    axis = np.linspace(0.0, 1.0, NODES)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([red, green, blue], axis=-1).reshape(-1, 3)


def _linear(points: Colours, content: Colours, style: Colours) -> Colours:
    """Points moved by the map that takes the Gaussian of `content` to that of `style`."""
    root, inverse = _roots(_covariance(content) + _LEAST_DEVIATION**2 * np.eye(3))
    middle, _ = _roots(root @ (_covariance(style) + 1e-12 * np.eye(3)) @ root)
    values, vectors = np.linalg.eigh(inverse @ middle @ inverse)
    matrix = vectors * np.minimum(values, MAX_GAIN) @ vectors.T
    return np.asarray((points - content.mean(axis=0)) @ matrix + style.mean(axis=0), np.float64)


def _covariance(colours: Colours) -> _Matrix:
    centred = colours - colours.mean(axis=0)
    return np.asarray(centred.T @ centred / len(colours), np.float64)


def _roots(matrix: _Matrix) -> tuple[_Matrix, _Matrix]:
    """The square root of a positive symmetric matrix, and its inverse."""
    values, vectors = np.linalg.eigh(matrix)
    values = np.sqrt(np.maximum(values, 1e-12))
    return vectors * values @ vectors.T, vectors / values @ vectors.T


def _sliced(points: Colours, count: int, style: Colours, basis: _Matrix) -> Colours:
    """Points moved so that the first `count` come nearer to the style's distribution along each axis of `basis`."""
    along, wanted = points @ basis, style @ basis
    for axis in range(3):
        here = np.quantile(along[:count, axis], _QUANTILES)
        there = np.quantile(wanted[:, axis], _QUANTILES)
        # Steps between equal levels are widened, for a curve over them to have no jump.
        here = here + np.linspace(0.0, 1e-6, len(here))
        along[:, axis] += _STEP * np.interp(along[:, axis], here, there - here)
    return np.asarray(along @ basis.T, np.float64)


def _occupancy(content: Colours) -> NDArray[np.float32]:
    """How many of the content's colours lie near each node."""
    counts = np.bincount(_nodes(to_srgb(content)), minlength=NODES**3) / len(content)
    return counts.reshape(NODES, NODES, NODES).astype(np.float32)


def _nodes(colours: Colours) -> NDArray[np.int64]:
    """The number of the node that is nearest to each colour of sRGB, red, green and blue from 0 to 1."""
    places = np.clip(np.rint(colours * (NODES - 1)), 0, NODES - 1).astype(np.int64)
    return np.asarray((places[:, 2] * NODES + places[:, 1]) * NODES + places[:, 0], np.int64)


def _smooth(moves: Colours, weight: NDArray[np.float32]) -> Colours:
    """Blurred moves of the nodes; colours that the content has count more than those it has not."""
    shape = (NODES, NODES, NODES, 3)
    weights = np.broadcast_to((weight + np.float32(1e-5))[..., None], shape)
    blurred = _blur(moves.reshape(shape).astype(np.float32) * weights) / _blur(weights)
    return np.asarray(blurred.reshape(-1, 3), np.float64)


def _blur(lattice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blur along the three axes of colour."""
    one, kernel = np.ones(1), cv2.getGaussianKernel(9, _BLUR)
    for axis in range(3):
        turned = np.moveaxis(lattice, axis, 0).reshape(NODES, -1)
        done = cv2.sepFilter2D(np.ascontiguousarray(turned), -1, one, kernel, borderType=cv2.BORDER_REPLICATE)
        lattice = np.moveaxis(np.asarray(done, np.float32).reshape(lattice.shape), 0, axis)
    return np.ascontiguousarray(lattice)
