"""The tab Animate: what stands where. What happens when something is pressed is wired in app/wiring.py."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from app import brush, engines, forecasts, panels
from app.form import Field, Form, build_form, build_sections, sections_of, shown
from app.photos import strip
from app.sweep_form import SweepForm, build_sweep_form
from app.texts import LABELS, TIPS
from pipeline.engines import EMBEDDED
from pipeline.motion_plan import MotionPlan, Region
from pipeline.records import MAX_PLACES
from pipeline.settings import RuntimeSettings, Settings, preset_names
from pipeline.transition_settings import STAGES
from pipeline.without_effect import ignored

HERE = Path(__file__).resolve().parent

SECTIONS = {
    "Length": ("animate.num_frames", "animate.seconds", "encode.fps", "seed"),
    "Long video": ("animate.segments", "animate.overlap", "animate.hold_colour"),
    "Size and crop": ("prepare.",),
    "Built-in motion": ("animate.motion.",),
    "Motion from a video": ("animate.control.",),
    "Sampling": (
        "animate.num_inference_steps",
        "animate.guidance_scale",
        "animate.negative_prompt",
        "animate.scheduler",
        "animate.target_fps",
        "animate.motion_bucket_id",
        "animate.noise_aug_strength",
        "animate.candidates",
        "animate.keep_candidates",
    ),
    "Model files": (
        "runtime.models_dir",
        "runtime.offline",
        "animate.lora",
        "animate.lora_scale",
        "animate.precision",
        "animate.quantization",
    ),
    "Memory": (
        "runtime.vram_limit_gb",
        "runtime.allow_downgrades",
        "runtime.offload",
        "runtime.guidance_passes",
        "runtime.chunk_feed_forward",
        "animate.decode_chunk_size",
        "animate.vae_tiling",
        "animate.decode_precision",
        "animate.encode_tiling",
        "animate.sample_frames",
        "animate.sample_width",
        "animate.sample_height",
        "runtime.keep_model",
    ),
    "Finish": ("interpolate.", "enhance."),
    "Style": ("style.",),
    "File": ("encode.",),
    "Device, threads and limits": (
        "runtime.device",
        "runtime.",
        "encode.threads",
        "prepare.max_megapixels",
        "prepare.max_file_mb",
    ),
}
"""Headings of the advanced panel, with the settings, or the sections of settings, below each, in their order."""


@dataclass(frozen=True)
class PlanEditor:
    """The motion plan as a form: camera and fades, and as many rows of regions as a plan may have."""

    form: Form
    count: gr.Slider
    rows: tuple[Form, ...]
    boxes: tuple[gr.Column, ...]
    reset: gr.Button

    @property
    def components(self) -> list[Field]:
        """Every component that holds a part of the plan."""
        return [*self.form.components, self.count, *(each for row in self.rows for each in row.components)]


@dataclass(frozen=True)
class Tab:
    """The components that something happens to."""

    photo: gr.HTML
    examples: gr.HTML
    photos: gr.HTML
    prompt: gr.Textbox
    engine: gr.Dropdown
    preset: gr.Radio
    forecast: gr.HTML
    go: gr.Button
    stop: gr.Button
    more: gr.Button
    error: gr.HTML
    motion_card: gr.Column
    reading: gr.HTML
    model_card: gr.Column
    model: gr.HTML
    plan: PlanEditor
    advanced: Form
    sweep: SweepForm
    several: gr.HTML
    gallery: gr.HTML
    status: gr.HTML
    result: gr.HTML


def build_tab() -> Tab:
    """Lay out the tab, inside a Blocks context. On a narrow screen style.css puts both columns' parts in one order."""
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="left", scale=1, min_width=300):
            with gr.Column(elem_classes="card part-photo"):
                photo = photo_box("photo", "a photo", brush_on=True)
                examples = gr.HTML(panels.examples_strip(), js_on_load=script("examples.js"), elem_id="examples")
                photos = gr.HTML(
                    strip([], None),
                    js_on_load=script("uploads.js") + script("photos.js"),
                    elem_id="photos",
                    most=MAX_PLACES,
                )
            with gr.Column(elem_classes="card part-reading", visible="hidden") as model_card:
                model = gr.HTML("", elem_id="model", js_on_load=script("buttons.js"))
            with gr.Column(elem_classes="card part-reading") as motion_card:
                reading = gr.HTML(forecasts.reading_hint(), elem_id="reading")
                with gr.Accordion("Edit the motion", open=False, elem_id="edit-motion"):
                    plan = _plan_editor()
            with (
                gr.Column(elem_classes="card part-advanced"),
                gr.Accordion("Advanced settings", open=False, elem_id="advanced"),
            ):
                advanced = _advanced()
            with (
                gr.Column(elem_classes="card part-advanced"),
                gr.Accordion("Compare settings", open=False, elem_id="sweep"),
            ):
                sweep = build_sweep_form(list(advanced.controls))
        with gr.Column(elem_classes="right", scale=1, min_width=300):
            with gr.Column(elem_classes="card part-ask"):
                prompt = _prompt()
                gr.HTML(TIPS, elem_id="tips")
                engine = _engine()
                qualities = [(name.capitalize(), name) for name in preset_names()]
                preset = gr.Radio(qualities, value="standard", label="Quality", elem_id="preset")
                forecast = gr.HTML("", elem_id="forecast")
                several = gr.HTML("", elem_id="several")
            with gr.Row(elem_classes="go part-go"):
                go = gr.Button("Generate", variant="primary", elem_id="generate")
                stop = gr.Button("Stop", variant="stop", visible=False, elem_id="stop")
                more = gr.Button("Add to queue", visible=False, elem_id="more")
            buttons = script("buttons.js")
            error = gr.HTML("", elem_id="error", elem_classes="part-error", js_on_load=buttons)
            shown = buttons + script("result.js")
            status = live_panel("status", shown)
            gallery = live_panel("gallery", script("gallery.js"), progress={})
            result = gr.HTML(panels.EMPTY_RESULT, elem_id="result", elem_classes="part-result", js_on_load=shown)
    return Tab(
        photo=photo,
        examples=examples,
        photos=photos,
        prompt=prompt,
        engine=engine,
        preset=preset,
        forecast=forecast,
        go=go,
        stop=stop,
        more=more,
        error=error,
        motion_card=motion_card,
        reading=reading,
        model_card=model_card,
        model=model,
        plan=plan,
        advanced=advanced,
        sweep=sweep,
        several=several,
        gallery=gallery,
        status=status,
        result=result,
    )


def live_panel(name: str, scripts: str, about: str | None = None, **properties: Any) -> gr.HTML:
    """A panel below the buttons that is kept up to date, see pulse.py; `about` says from the start what it shows."""
    scripts = script("beat.js") + scripts
    return gr.HTML("", elem_id=name, elem_classes="part-status", js_on_load=scripts, about=about, mark="", **properties)


def photo_box(name: str, title: str, brush_on: bool) -> gr.HTML:
    """A place for a photo, called `title`: chosen, dropped or pasted; with the motion brush where that is wanted."""
    return gr.HTML(
        [],
        html_template=(HERE / "photo.html")
        .read_text(encoding="utf-8")
        .replace("@title", title)
        .replace("@many", "multiple" if brush_on else ""),
        js_on_load=script("uploads.js") + script("photo.js"),
        apply_default_css=False,
        elem_id=name,
        photo=None,
        areas={},
        message=["", 0],
        brush=brush_on,
        named=False,
        most=MAX_PLACES if brush_on else 1,
        colours=list(brush.COLOURS),
        labels=forecasts.area_labels(()),
    )


def _prompt() -> gr.Textbox:
    return gr.Textbox(
        label="What should happen?",
        placeholder="Ocean waves gently moving, slowly zoom in",
        lines=2,
        max_lines=6,
        max_length=2000,
        elem_id="prompt",
    )


def _engine() -> gr.Dropdown:
    return gr.Dropdown(
        engines.choices(RuntimeSettings()),
        value=EMBEDDED,
        label="Engine",
        info=engines.summary_of(EMBEDDED),
        filterable=False,
        elem_id="engine",
    )


def _plan_editor() -> PlanEditor:
    gr.HTML("<p class='hint'>What you change here replaces what the prompt says.</p>")
    reset = gr.Button("Follow the prompt again", size="sm", visible=False, elem_id="follow-prompt")
    with gr.Row(elem_classes="fields"):
        form = build_form(MotionPlan, "plan", [option.name for option in shown(MotionPlan)], LABELS)
    count = gr.Slider(0, len(brush.COLOURS), 0, step=1, label="Moving areas", elem_id="moving-areas")
    rows, boxes = [], []
    for number, colour in enumerate(brush.COLOURS):
        with gr.Column(visible=False, elem_classes="region") as box:
            gr.HTML(f"<h4><i style='background:{colour}'></i>Area {number + 1}</h4>")
            with gr.Row(elem_classes="fields"):
                names = [option.name for option in shown(Region)]
                rows.append(build_form(Region, f"area-{number + 1}", names, LABELS))
        boxes.append(box)
    return PlanEditor(form, count, tuple(rows), tuple(boxes), reset)


def _advanced() -> Form:
    form = build_sections("setting", advanced_sections(), LABELS)
    form.open_with(ignored(Settings()))
    return form


def advanced_sections() -> dict[str, list[str]]:
    """The settings below each heading: all but those of transitions."""
    return sections_of(SECTIONS, [option.name for option in shown(Settings) if option.section not in STAGES])


def script(name: str) -> str:
    """The content of a file of JavaScript."""
    return (HERE / name).read_text(encoding="utf-8")
