"""The values that settings choose from."""

from enum import StrEnum


class VideoFormat(StrEnum):
    """What kind of file is written."""

    MP4 = "mp4"
    WEBM = "webm"
    GIF = "gif"


class X264Preset(StrEnum):
    """x264's trade of encoding time against file size."""

    ULTRAFAST = "ultrafast"
    VERYFAST = "veryfast"
    FAST = "fast"
    MEDIUM = "medium"
    SLOW = "slow"
    SLOWER = "slower"


class InterpolationMethod(StrEnum):
    """What makes the frames between two."""

    FLOW = "flow"
    FILM = "film"
    RIFE = "rife"


class ControlKind(StrEnum):
    """What a driving video tells a model."""

    AUTO = "auto"
    CANNY = "canny"
    DEPTH = "depth"
    GREY = "grey"
    FLOW = "flow"
    POSE = "pose"
    AS_GIVEN = "as_given"


class Scheduler(StrEnum):
    """The sampler of a diffusion model."""

    PUBLISHED = "published"
    DDIM = "ddim"
    EULER = "euler"
    DPMPP_2M = "dpmpp_2m"
    UNIPC = "unipc"


class Quantization(StrEnum):
    """How a diffusion model's weights are made smaller."""

    NONE = "none"
    FLOAT8 = "float8"
    INT8 = "int8"
    NF4 = "nf4"


class LanguageQuantization(StrEnum):
    """How a language model's weights are made smaller."""

    NONE = "none"
    INT8 = "int8"
    NF4 = "nf4"


class Device(StrEnum):
    """What a diffusion model runs on."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Offload(StrEnum):
    """Where weights wait that are not at work."""

    NONE = "none"
    MODEL = "model"
    GROUP = "group"


class Curve(StrEnum):
    """How a transition moves through time."""

    LINEAR = "linear"
    EASE = "ease"
    EASE_IN = "ease_in"
    EASE_OUT = "ease_out"


class Detail(StrEnum):
    """How much a caption says."""

    SHORT = "short"
    DETAILED = "detailed"
    FULL = "full"
