"""The tab Transition: what stands where. What happens when something is pressed is wired in app/crossing.py."""

from dataclasses import dataclass

import gradio as gr

from app import engines, panels, passage_panels
from app.animate import photo_box, script
from app.form import Control, Form, build_form, join, sections_of, shown
from app.texts import LABELS
from pipeline.catalogue import Role, get_card, get_helper, helper_names, model_names
from pipeline.errors import InvalidSetting
from pipeline.options import options
from pipeline.settings import RuntimeSettings, Settings, preset_names
from pipeline.transition_settings import AUTO, FLOW, KEYFRAMES, NONE

SECTIONS = {
    "Length and timing": (
        "transition.num_frames",
        "transition.seconds",
        "transition.curve",
        "transition.hold",
        "encode.fps",
        "seed",
    ),
    "Size and crop": ("prepare.", "transition."),
    "Alignment": ("align.",),
    "Captions and plan": ("caption.detail", "plan."),
    "Key frames": ("keyframes.",),
    "Sampling (models that make the whole passage)": (
        "animate.num_inference_steps",
        "animate.guidance_scale",
        "animate.negative_prompt",
        "animate.scheduler",
    ),
    "File": ("encode.",),
    "Models, memory and limits": (
        "runtime.",
        "encode.threads",
        "prepare.max_megapixels",
        "prepare.max_file_mb",
    ),
}
"""Headings of the advanced panel, with the settings, or the sections of settings, below each, in their order."""

OWN = ("caption.text0", "caption.text1")
"""Settings with a place of their own above the advanced panel."""

HELPERS = {
    "caption.model": Role.CAPTION,
    "plan.model": Role.PLAN,
    "keyframes.model": Role.KEYFRAMES,
    "keyframes.control": Role.CONTROL,
}
"""Settings that choose a helper."""

ENGINE_SUMMARIES = {
    FLOW: "Moves the pixels of both photos; quick, on any machine, no download.",
    KEYFRAMES: "Describes both photos, plans the way, and paints key frames with Stable Diffusion where it is here.",
}


@dataclass(frozen=True)
class PassageTab:
    """The components that something happens to."""

    photos: tuple[gr.HTML, gr.HTML]
    swap: gr.Button
    examples: gr.HTML
    prompt: gr.Textbox
    engine: gr.Dropdown
    preset: gr.Radio
    forecast: gr.HTML
    words: gr.Column
    captions: Form
    prompts: gr.Textbox
    plan: gr.Button
    go: gr.Button
    stop: gr.Button
    more: gr.Button
    error: gr.HTML
    advanced: Form
    status: gr.HTML
    result: gr.HTML


def build_passage_tab() -> PassageTab:
    """Lay out the tab, inside a Blocks context."""
    with gr.Row(elem_classes="columns"):
        with gr.Column(elem_classes="left", scale=1, min_width=300):
            with gr.Column(elem_classes="card part-photo"):
                with gr.Row(elem_classes="pair"):
                    photos = photo_box("photo-first", brush_on=False), photo_box("photo-last", brush_on=False)
                with gr.Row(elem_classes="pair-tools"):
                    examples = gr.HTML(
                        passage_panels.EXAMPLE, js_on_load=script("buttons.js"), elem_id="passage-examples"
                    )
                    swap = gr.Button("⇄ Swap", size="sm", elem_id="swap")
            with gr.Column(elem_classes="card part-reading", visible=False, elem_id="words") as words:
                captions, prompts, plan = _words()
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
            with gr.Row(elem_classes="go part-go"):
                go = gr.Button("Generate", variant="primary", elem_id="passage-generate")
                stop = gr.Button("Stop", variant="stop", visible=False, elem_id="passage-stop")
                more = gr.Button("Add to queue", visible=False, elem_id="passage-more")
            buttons = script("buttons.js")
            error = gr.HTML("", elem_id="passage-error", elem_classes="part-error", js_on_load=buttons)
            shows = buttons + script("result.js")
            status = gr.HTML("", elem_id="passage-status", elem_classes="part-status", js_on_load=shows)
            empty = panels.empty_result(
                "Choose two photos and press Generate: the film begins on one and ends on the other."
            )
            result = gr.HTML(empty, elem_id="passage-result", elem_classes="part-result", js_on_load=shows)
    return PassageTab(
        photos=photos,
        swap=swap,
        examples=examples,
        prompt=prompt,
        engine=engine,
        preset=preset,
        forecast=forecast,
        words=words,
        captions=captions,
        prompts=prompts,
        plan=plan,
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
    models = [name for name in model_names() if _takes_last_image(name)]
    return [
        ("Built-in flow: no download", FLOW),
        ("Painted key frames", KEYFRAMES),
        *((engines.label(name, runtime), name) for name in models),
    ]


def engine_summary(engine: str) -> str:
    """What an engine does, in one sentence."""
    return ENGINE_SUMMARIES.get(engine) or engines.summary_of(engine)


def helper_choices(role: Role, runtime: RuntimeSettings) -> list[tuple[str, str]]:
    """Label and name of the models of a role: any that is here, none, and each by name with its size."""
    from pipeline.models.status import model_status

    found = [("automatic: the best one on this machine", AUTO), ("none", NONE)]
    for name in helper_names(role):
        card = get_helper(name, role)
        ready = model_status(card, runtime).state == "ready"
        found.append((f"{card.title} · {'ready' if ready else engines.size_to_download(card)}", name))
    return found


def passage_sections() -> dict[str, list[str]]:
    """The settings below each heading of the advanced panel."""
    names = [option.name for option in shown(Settings) if option.name not in OWN]
    helpers = {
        "Captions and plan": ["caption.model", "plan.model"],
        "Key frames": ["keyframes.model", "keyframes.control"],
    }
    found = sections_of(SECTIONS, names)
    return {heading: helpers.get(heading, []) + below for heading, below in found.items()}


def _takes_last_image(name: str) -> bool:
    try:
        return get_card(name).can.last_image
    except InvalidSetting:
        return False


def _words() -> tuple[Form, gr.Textbox, gr.Button]:
    gr.HTML(
        "<h3>The way in words</h3><p class='hint'>Empty captions are described by Florence-2, and an empty plan is "
        "written by Phi-4, where these models are here. <b>Plan</b> does only that, for you to look at and change.</p>"
    )
    with gr.Row(elem_classes="fields"):
        captions = build_form(Settings, "passage", list(OWN), LABELS)
    prompts = gr.Textbox(
        label="Plan: one line for each key frame",
        lines=3,
        max_lines=12,
        placeholder="written from the captions",
        elem_id="passage-prompts",
    )
    plan = gr.Button("Plan", size="sm", elem_id="passage-plan")
    return captions, prompts, plan


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
        label="Style or action",
        placeholder="oil painting, morning light",
        lines=1,
        max_lines=4,
        max_length=2000,
        visible=False,
        elem_id="passage-prompt",
    )


def _advanced() -> Form:
    forms = []
    for heading, names in passage_sections().items():
        gr.HTML(f"<h4 class='section'>{heading}</h4>")
        with gr.Row(elem_classes="fields"):
            helpers = {name: _helper(name) for name in names if name in HELPERS}
            plain = [name for name in names if name not in HELPERS]
            forms += [Form(helpers), build_form(Settings, "passage", plain, LABELS)]
    return join(*forms)


def _helper(name: str) -> Control:
    """The control of a setting that chooses a helper."""
    option = next(each for each in options() if each.name == name)
    dropdown = gr.Dropdown(
        helper_choices(HELPERS[name], RuntimeSettings()),
        value=option.default,
        label=LABELS[name],
        info=option.help,
        filterable=False,
        elem_id=f"passage-{name.replace('.', '-')}",
    )
    return Control(option, dropdown)
