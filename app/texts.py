"""Longer texts of the page, and its examples."""

from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent / "examples"


@dataclass(frozen=True)
class Example:
    """A photo that comes with the program, and a prompt that suits it."""

    file: str
    title: str
    prompt: str

    @property
    def path(self) -> Path:
        """Where the photo lies."""
        return EXAMPLES / self.file


EXAMPLE_PHOTOS = (
    Example("rocket.jpg", "Rocket", "the smoke is billowing while the camera slowly zooms in"),
    Example("hubble.jpg", "Deep field", "the stars are twinkling"),
    Example("coffee.jpg", "Coffee", "slowly zoom in while panning left"),
    Example("chelsea.jpg", "Cat", "handheld sway, slowly zoom in"),
    Example("astronaut.jpg", "Astronaut", "dolly zoom"),
)

TIPS = """
<p><b>[subject]</b> + <b>[action]</b> + <b>[direction or speed]</b> + <b>[mood]</b></p>
<ul>
<li>Ocean waves gently moving to the left</li>
<li>Leaves falling gently from the tree</li>
<li>The stars are twinkling and clouds swirling in the night sky</li>
<li>Slowly zoom in while panning left, then fade to black</li>
<li lang="zh">镜头缓慢推进,云向右飘动</li>
</ul>
<p>Camera: zoom, pan, tilt, roll, dolly zoom, handheld, fade. Things that move by themselves: water, clouds, smoke, fire,
leaves, grass, hair, stars. Where the page cannot find them, paint them.</p>
"""

LABELS = {
    "seed": "Seed (-1: random)",
    "prepare.focus_x": "Focus, across",
    "prepare.focus_y": "Focus, down",
    "animate.num_frames": "Frames",
    "animate.seconds": "Seconds",
    "animate.num_inference_steps": "Inference steps",
    "animate.motion.brush_kind": "Painted areas move like",
    "animate.motion.brush_direction": "Painted areas move towards (degrees)",
    "encode.fps": "Frames per second",
    "encode.crf": "Quality (CRF)",
    "encode.x264_preset": "x264 preset",
    "encode.threads": "Encoder threads",
    "runtime.threads": "Rendering threads",
    "camera.zoom_x": "Zoom point, across",
    "camera.zoom_y": "Zoom point, down",
    "camera.pan_x": "Pan, across",
    "camera.pan_y": "Pan, down",
    "camera.roll": "Roll (degrees)",
}
"""Labels for settings whose name says too little to a person who has not met it."""
