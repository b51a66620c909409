"""IFNet, the network of RIFE (Huang et al., "Real-Time Intermediate Flow Estimation", ECCV 2022), as of version 4.25.

Names and shapes of all weights are those of the published files. Five blocks find the motion from coarse to fine: each
sees both frames and their features, moved by the motion found so far, and adds to it. Imported on first use only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipeline.engines.rife.layout import HIDDEN, Layout
from pipeline.engines.tiles import Window

_SLOPE = 0.2
"""Of every leaky ReLU."""


@dataclass(frozen=True)
class Scene:
    """What motion is sought in: frames (1, 3, H, W) in [0, 1] float32, their features, and N times, (N, 1, 1, 1)."""

    frames: tuple[Tensor, Tensor]
    features: tuple[Tensor, Tensor]
    times: Tensor

    @property
    def whole(self) -> Window:
        """The window that is the whole frame."""
        return Window(0, 0, *self.frames[0].shape[2:])


@dataclass(frozen=True)
class Motion:
    """Motion in a window, at N times.

    `flow` (N, 4, h, w) leads from each pixel of the new frame to frame 0 (x, y) and to frame 1 (x, y), in pixels. It is
    float32: half precision has eleven bits, too few for places in a large frame. `mask` (N, 1, h, w) is the logit of
    frame 0's share, `hidden` (N, 8, h, w) what a block tells the next one.
    """

    flow: Tensor
    mask: Tensor
    hidden: Tensor

    def crop(self, outer: Window, inner: Window) -> "Motion":
        """The part in `inner` of a motion in `outer`, which holds it."""
        rows, columns = inner.within(outer)
        return Motion(*(each[:, :, rows, columns] for each in (self.flow, self.mask, self.hidden)))


class IFNet(nn.Module):
    """The network, with random weights until those of a file are loaded."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.encode = _Encoder(layout.features)
        for number, (inputs, channels) in enumerate(zip(layout.inputs, layout.channels, strict=True)):
            self.add_module(f"block{number}", _Block(inputs, channels))

    def look(self, frame0: Tensor, frame1: Tensor, times: Sequence[float]) -> Scene:
        """Encode two frames, (1, 3, H, W) in [0, 1] float32, for new frames at the given times."""
        dtype = self.encode.cnn0.weight.dtype
        features = (self.encode(frame0.to(dtype)), self.encode(frame1.to(dtype)))
        return Scene((frame0, frame1), features, frame0.new_tensor(times).view(-1, 1, 1, 1))

    def refine(self, number: int, scale: int, scene: Scene, window: Window, motion: Motion | None) -> Motion:
        """The motion in a window after block `number`, which works at 1 / `scale` of the frames' size.

        Sides of the window are multiples of 4 * `scale`. The first block is given no motion.
        """
        found: Tensor = self.get_submodule(f"block{number}")(_inputs(scale, scene, window, motion))
        found = functional.interpolate(found, scale_factor=float(scale), mode="bilinear") if scale > 1 else found
        flow = found[:, :4].float() * scale
        return Motion(flow if motion is None else motion.flow + flow, found[:, 4:5], found[:, 5:])


def blend(scene: Scene, window: Window, motion: Motion) -> Tensor:
    """The new frames in a window, (N, 3, h, w) float32: both frames moved to each time and mixed by the mask."""
    moved0 = _warped(scene.frames[0], window, motion.flow[:, :2])
    moved1 = _warped(scene.frames[1], window, motion.flow[:, 2:])
    return torch.lerp(moved1, moved0, torch.sigmoid(motion.mask.float()))


def _inputs(scale: int, scene: Scene, window: Window, motion: Motion | None) -> Tensor:
    """What a block sees, (N, inputs, h / scale, w / scale). Parts are made one by one, to hold few of full size."""
    dtype = scene.features[0].dtype
    parts = [_shrunk(part, scale).to(dtype) for part in _seen(scene, window, motion)]
    if motion is not None:
        parts.append((_shrunk(motion.flow, scale) / scale).to(dtype))
    return torch.cat(parts, 1)


def _seen(scene: Scene, window: Window, motion: Motion | None) -> Iterator[Tensor]:
    """What a block sees of the scene through a window, in the order of its input channels, the flow left out."""
    for pair in (scene.frames, scene.features):
        if motion is None:
            yield from (window.of(picture).expand(len(scene.times), -1, -1, -1) for picture in pair)
        else:
            yield _warped(pair[0], window, motion.flow[:, :2])
            yield _warped(pair[1], window, motion.flow[:, 2:])
    yield scene.times.expand(-1, 1, *window.size)
    if motion is not None:
        yield motion.mask
        yield motion.hidden


def _warped(picture: Tensor, window: Window, flow: Tensor) -> Tensor:
    """Look a picture (1, C, H, W) up where the flow of a window's pixels leads; beyond its borders these go on."""
    height, width = picture.shape[2:]
    rows = torch.arange(window.top, window.bottom, device=flow.device, dtype=flow.dtype)[:, None]
    columns = torch.arange(window.left, window.right, device=flow.device, dtype=flow.dtype)
    x = (flow[:, 0] + columns) * (2 / (width - 1)) - 1
    y = (flow[:, 1] + rows) * (2 / (height - 1)) - 1
    pictures = picture.float().expand(len(flow), -1, -1, -1)
    places = torch.stack((x, y), 3)
    warped = functional.grid_sample(pictures, places, mode="bilinear", padding_mode="border", align_corners=True)
    return warped.to(picture.dtype)


def _shrunk(picture: Tensor, scale: int) -> Tensor:
    return functional.interpolate(picture, scale_factor=1 / scale, mode="bilinear") if scale > 1 else picture


class _Encoder(nn.Module):
    """Features of a frame at its full size."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(3, 16, 3, 2, 1)
        self.cnn1 = nn.Conv2d(16, 16, 3, 1, 1)
        self.cnn2 = nn.Conv2d(16, 16, 3, 1, 1)
        self.cnn3 = nn.ConvTranspose2d(16, features, 4, 2, 1)

    def forward(self, frame: Tensor) -> Tensor:
        for layer in (self.cnn0, self.cnn1, self.cnn2):
            frame = functional.leaky_relu(layer(frame), _SLOPE)
        features: Tensor = self.cnn3(frame)
        return features


class _Block(nn.Module):
    """From what a block sees to flow (4 channels), mask (1) and what it tells the next block (8), of the same size."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.conv0 = nn.Sequential(_halving(inputs, channels // 2), _halving(channels // 2, channels))
        self.convblock = nn.Sequential(*(_Residual(channels) for _ in range(8)))
        self.lastconv = nn.Sequential(nn.ConvTranspose2d(channels, 4 * (5 + HIDDEN), 4, 2, 1), nn.PixelShuffle(2))

    def forward(self, seen: Tensor) -> Tensor:
        found: Tensor = self.lastconv(self.convblock(self.conv0(seen)))
        return found


class _Residual(nn.Module):
    """A convolution whose result is scaled channel by channel and added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 1, 1)
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, values: Tensor) -> Tensor:
        return functional.leaky_relu(self.conv(values) * self.beta + values, _SLOPE)


def _halving(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(_SLOPE))
