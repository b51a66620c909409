"""The tab Transition: what stands where. What happens when something is pressed is wired in app/crossing.py."""

from dataclasses import dataclass

import gradio as gr

from app import engines, panels, passage_panels
from app.animate import HERE, live_panel, photo_box, script
from app.form import Form, build_form, build_sections, sections_of, shown
from app.offers import model_label
from app.texts import LABELS
from pipeline.settings import RuntimeSettings, Settings, passage_engines, preset_names
from pipeline.transition_settings import FLOW, KEYFRAMES, PlanSettings
from pipeline.without_effect import ignored_in_transition

SECTIONS = {
    "Length and motion": ("transition.num_frames", "transition.seconds", "encode.fps", "transition.", "seed"),
    "Size and crop": ("prepare.",),
    "Alignment": ("align.",),
    "Captions and plan": ("caption.model", "caption.detail", "caption.", "plan.model", "plan."),
    "Key frames": ("keyframes.model", "keyframes.control", "keyframes."),
    "Sampling": (
        "animate.num_inference_steps",
        "animate.guidance_scale",
        "animate.negative_prompt",
        "animate.scheduler",
        "animate.target_fps",
        "animate.lora",
        "animate.lora_scale",
        "animate.precision",
        "animate.quantization",
        "animate.decode_chunk_size",
        "animate.vae_tiling",
        "animate.decode_precision",
        "animate.encode_tiling",
        "animate.sample_frames",
        "animate.sample_width",
        "animate.sample_height",
    ),
    "Finish": ("interpolate.", "enhance."),
    "Style": ("style.",),
    "File": ("encode.",),
    "Models, memory and limits": (
        "runtime.models_dir",
        "runtime.offline",
        "runtime.",
        "encode.threads",
        "prepare.max_megapixels",
        "prepare.max_file_mb",
    ),
}
"""Headings of the advanced panel, with the settings, or the sections of settings, below each, in their order."""

NOT_FOR = {
    "Alignment": "not-model",
    "Captions and plan": "not-flow",
    "Key frames": "not-flow not-model",
    "Sampling": "not-flow not-keyframes",
}
"""Headings that are hidden with some kinds of engines, as classes that style.css knows. See `kind_mark`."""

CAPTIONS = ("caption.text0", "caption.text1")
"""Settings with a place of their own above the advanced panel."""

MOST_PROMPTS = next(each.max_length for each in PlanSettings.model_fields["prompts"].metadata)
"""Prompts that a plan may have."""

ENGINE_LABELS = {FLOW: "Built-in flow: no download", KEYFRAMES: "Painted key frames"}

ENGINE_SUMMARIES = {
    FLOW: "Moves the pixels of both photos; on any machine, without a model.",
    KEYFRAMES: "Describes both photos, plans the way, and paints pictures on it with Stable Diffusion.",
}


@dataclass(frozen=True)
class Words:
    """The way in words: what the photos show, a prompt for each key frame, and what was painted anew by hand."""

    captions: Form
    prompts: gr.HTML
    own: gr.HTML
    plan: gr.Button


@dataclass(frozen=True)
class PassageTab:
    """The components that something happens to."""

    photos: tuple[gr.HTML, gr.HTML]
    swap: gr.Button
    examples: gr.HTML
    prompt: gr.Textbox
    engine: gr.Dropdown
    kind: gr.HTML
    preset: gr.Radio
    forecast: gr.HTML
    words: Words
    model: gr.HTML
    go: gr.Button
    stop: gr.Button
    more: gr.Button
    error: gr.HTML
    advanced: Form
    status: gr.HTML
    result: gr.HTML


def build_passage_tab() -> PassageTab:
    """Lay out the tab, inside a Blocks context."""
    buttons = script("buttons.js")
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="left", scale=1, min_width=300):
            with gr.Column(elem_classes="card part-photo"):
                photos, examples, swap = _photos()
            words = _words()
            with gr.Column(elem_classes="card part-reading"):
                model = gr.HTML("", elem_id="passage-model", js_on_load=buttons)
            with (
                gr.Column(elem_classes="card part-advanced"),
                gr.Accordion("Advanced settings", open=False, elem_id="passage-advanced"),
            ):
                advanced = _advanced()
        with gr.Column(elem_classes="right", scale=1, min_width=300):
            with gr.Column(elem_classes="card part-ask"):
                engine = _engine()
                prompt = _prompt()
                qualities = [(name.capitalize(), name) for name in preset_names()]
                preset = gr.Radio(qualities, value="standard", label="Quality", elem_id="passage-preset")
                forecast = gr.HTML("", elem_id="passage-forecast")
                kind = gr.HTML(kind_mark(FLOW), elem_id="passage-kind")
            with gr.Row(elem_classes="go part-go"):
                go = gr.Button("Generate", variant="primary", elem_id="passage-generate")
                stop = gr.Button("Stop", variant="stop", visible=False, elem_id="passage-stop")
                more = gr.Button("Add to queue", visible=False, elem_id="passage-more")
            error = gr.HTML("", elem_id="passage-error", elem_classes="part-error", js_on_load=buttons)
            shows = buttons + script("result.js")
            status = live_panel("passage-status", shows)
            empty = panels.empty_result("Choose two photos: the video begins with the first and ends with the last.")
            result = gr.HTML(empty, elem_id="passage-result", elem_classes="part-result", js_on_load=shows)
    return PassageTab(
        photos=photos,
        swap=swap,
        examples=examples,
        prompt=prompt,
        engine=engine,
        kind=kind,
        preset=preset,
        forecast=forecast,
        words=words,
        model=model,
        go=go,
        stop=stop,
        more=more,
        error=error,
        advanced=advanced,
        status=status,
        result=result,
    )


def engine_choices(runtime: RuntimeSettings) -> list[tuple[str, str]]:
    """Label and name of everything that makes transitions, the built-in one first."""
    return [(ENGINE_LABELS.get(name) or model_label(name, runtime), name) for name in passage_engines()]


def engine_summary(engine: str) -> str:
    """What an engine does, in one sentence."""
    return ENGINE_SUMMARIES.get(engine) or engines.summary_of(engine)


def kind_mark(engine: str) -> str:
    """A mark by which style.css shows what belongs to an engine.

    Not by `visible`: a column that is an event's output before its tab was ever opened shows all the same.
    """
    return f'<i data-kind="{engine if engine in ENGINE_LABELS else "model"}"></i>'


def passage_sections() -> dict[str, list[str]]:
    """The settings below each heading of the advanced panel."""
    return sections_of(SECTIONS, [option.name for option in shown(Settings) if option.name not in CAPTIONS])


def _photos() -> tuple[tuple[gr.HTML, gr.HTML], gr.HTML, gr.Button]:
    with gr.Row(elem_classes="pair"):
        first = photo_box("photo-first", "the first photo", brush_on=False)
        last = photo_box("photo-last", "the last photo", brush_on=False)
    with gr.Row(elem_classes="pair-tools"):
        examples = gr.HTML(passage_panels.examples_strip(), js_on_load=script("buttons.js"), elem_id="passage-examples")
        swap = gr.Button("⇄ Swap", size="sm", elem_id="swap")
    return (first, last), examples, swap


def _words() -> Words:
    with gr.Column(elem_classes="card part-words not-flow not-model", elem_id="words"):
        gr.HTML(
            "<h3>The way in words</h3><p class='hint'>Say what the photos show, or leave it to the models below. "
            "<b>Plan</b> fills in what is empty, for you to look at and change before anything is painted.</p>"
        )
        with gr.Row(elem_classes="fields"):
            captions = build_form(Settings, "passage", list(CAPTIONS), LABELS)
        gr.HTML("<h4>A prompt for each key frame</h4>")
        prompts = gr.HTML(
            [],
            html_template=(HERE / "lines.html").read_text(encoding="utf-8").replace("@most", str(MOST_PROMPTS)),
            js_on_load=script("lines.js"),
            apply_default_css=False,
            elem_id="passage-prompts",
        )
        own = gr.HTML("", elem_id="passage-own", js_on_load=script("buttons.js"))
        plan = gr.Button("Plan", size="sm", elem_id="passage-plan")
    return Words(captions, prompts, own, plan)


def _engine() -> gr.Dropdown:
    return gr.Dropdown(
        engine_choices(RuntimeSettings()),
        value=FLOW,
        label="Engine",
        info=engine_summary(FLOW),
        filterable=False,
        elem_id="passage-engine",
    )


def _prompt() -> gr.Textbox:
    return gr.Textbox(
        label="What should happen on the way?",
        placeholder="oil painting, morning light",
        lines=1,
        max_lines=4,
        max_length=2000,
        elem_id="passage-prompt",
        elem_classes="not-flow",
    )


def _advanced() -> Form:
    form = build_sections("passage", passage_sections(), LABELS, NOT_FOR)
    form.open_with(ignored_in_transition(Settings()))
    return form
