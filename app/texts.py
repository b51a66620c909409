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
    Example("rocket.jpg", "Rocket", "slowly tilt up with a handheld camera"),
    Example("hubble.jpg", "Deep field", "the stars are twinkling"),
    Example("coffee.jpg", "Coffee", "slowly zoom in while panning left"),
    Example("chelsea.jpg", "Cat", "handheld sway, slowly zoom in"),
    Example("astronaut.jpg", "Astronaut", "dolly zoom"),
)


@dataclass(frozen=True)
class ExamplePair:
    """Two photos that come with the program, to lead from one to the other."""

    files: tuple[str, str]
    title: str

    @property
    def paths(self) -> tuple[Path, Path]:
        """Where the photos lie."""
        return EXAMPLES / self.files[0], EXAMPLES / self.files[1]


EXAMPLE_PAIRS = (
    ExamplePair(("coffee.jpg", "coffee-closer.jpg"), "One scene"),
    ExamplePair(("chelsea.jpg", "astronaut.jpg"), "Two strangers"),
)

TIPS = """<details class="tips"><summary>What makes a good prompt</summary>
<p class="recipe"><b>subject</b><i>+</i><b>action</b><i>+</i><b>direction or speed</b><i>+</i><b>mood</b></p>
<ul>
<li>Ocean waves gently moving</li>
<li>Leaves falling gently from the tree</li>
<li>The stars are twinkling and clouds swirling in the night sky</li>
<li>Slowly zoom in while panning left, then fade to black</li>
<li lang="zh" translate="no">镜头缓慢推进,云向右飘动</li>
</ul>
<p>The camera can zoom, pan, tilt, roll, dolly zoom, sway and fade. Water, clouds, smoke, fire, leaves, grass, hair and
stars move by themselves; where they are not found in the photo, paint them.</p></details>"""

LABELS = {
    "seed": "Seed",
    "prepare.max_megapixels": "Largest image (megapixels)",
    "prepare.max_file_mb": "Largest file (MB)",
    "direction": "Direction (degrees)",
    "prepare.focus_x": "Focus, across",
    "prepare.focus_y": "Focus, down",
    "animate.num_frames": "Frames",
    "animate.overlap": "Frames of overlap",
    "animate.motion.parallax": "Depth of the move",
    "animate.motion.depth": "Depth map (file)",
    "animate.motion.depth_inverted": "Nearer is darker",
    "animate.motion.depth_model": "Depth seen by",
    "animate.control.video": "Driving video (file)",
    "animate.control.kind": "What is taken from it",
    "animate.control.start": "From second",
    "animate.control.scale": "Followed how strictly",
    "animate.control.first_frame": "Begin with the image",
    "animate.control.depth_model": "Depth seen by",
    "interpolate.fps": "Goes out at (frames per second)",
    "interpolate.factor": "Frames, times",
    "interpolate.method": "New frames by",
    "style.name": "Style",
    "style.image": "Style of a picture (file)",
    "style.strength": "Strength of the style",
    "style.model": "Painted by",
    "style.prompt": "What the model is told",
    "style.denoising_strength": "Painted anew",
    "style.every": "Frames between key frames",
    "style.num_inference_steps": "Steps of painting",
    "style.guidance_scale": "Words followed how closely",
    "style.control": "Edges held by",
    "style.adapter": "Picture shown by",
    "style.adapter_scale": "Picture shown how strongly",
    "enhance.scale": "Enlarge",
    "enhance.width": "Enlarge to width",
    "enhance.height": "Enlarge to height",
    "enhance.model": "Super-resolution weights",
    "enhance.tile": "Tile of the model",
    "enhance.colour": "Hold the colours",
    "animate.seconds": "Seconds",
    "animate.num_inference_steps": "Inference steps",
    "animate.target_fps": "Imagined frame rate",
    "animate.motion_bucket_id": "Motion bucket",
    "animate.noise_aug_strength": "Noise on the image",
    "animate.keep_candidates": "Keep all candidates",
    "animate.lora": "LoRA file",
    "animate.lora_scale": "LoRA strength",
    "animate.sample_frames": "Frames to sample",
    "animate.sample_width": "Working width",
    "animate.sample_height": "Working height",
    "animate.decode_chunk_size": "Frames decoded at once",
    "animate.vae_tiling": "Decode in tiles",
    "animate.encode_tiling": "Encode in tiles",
    "animate.motion.brush_kind": "Painted areas move like",
    "animate.motion.brush_direction": "Painted areas move towards (degrees)",
    "caption.text0": "First photo",
    "caption.text1": "Last photo",
    "caption.model": "Describing model",
    "caption.detail": "Length of captions",
    "caption.quantization": "Describing model in",
    "caption.half_precision": "Describing model in half precision",
    "plan.model": "Planning model",
    "plan.quantization": "Planning model in",
    "plan.half_precision": "Planning model in half precision",
    "keyframes.model": "Painting model",
    "keyframes.control": "ControlNet",
    "keyframes.control_scale": "Strength of the ControlNet",
    "keyframes.count": "Key frames",
    "keyframes.num_inference_steps": "Inference steps of a key frame",
    "keyframes.guidance_scale": "Guidance of a key frame",
    "keyframes.lora": "LoRA file",
    "keyframes.lora_scale": "LoRA strength",
    "transition.num_frames": "Frames",
    "transition.seconds": "Seconds",
    "transition.hold": "Rest at the ends",
    "transition.common_crop": "Zoom to what both show",
    "transition.match_colour": "Lead the colours over",
    "align.enabled": "Look for one scene",
    "align.seconds": "Seconds to look",
    "align.second_try": "Try other points of view",
    "align.refine": "Refine",
    "align.max_keypoints": "Keypoints",
    "encode.fps": "Frames per second",
    "encode.crf": "Quality (CRF)",
    "encode.x264_preset": "x264 preset",
    "encode.threads": "Encoder threads",
    "runtime.threads": "Rendering threads",
    "runtime.models_dir": "Models folder",
    "runtime.vram_limit_gb": "Memory limit (GB)",
    "runtime.allow_downgrades": "Allow changes to the picture",
    "runtime.chunk_feed_forward": "Feed-forward in chunks",
    "runtime.compile": "Compile the model",
    "runtime.keep_model": "Keep the model in memory",
    "camera.zoom_x": "Zoom point, across",
    "camera.zoom_y": "Zoom point, down",
    "camera.pan_x": "Pan, across",
    "camera.pan_y": "Pan, down",
    "camera.roll": "Roll (degrees)",
}
"""Labels for settings whose name says too little to a person who has not met it."""
