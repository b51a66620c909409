"""The page: its frame, its tabs, and what it needs to be launched."""

from pathlib import Path
from typing import Any, Literal, TypedDict

import gradio as gr
from gradio.utils import get_upload_folder

from app import languages, restoring
from app.actions import Actions, load_runner
from app.animate import build_tab, script
from app.api import Api
from app.crossing import Crossing
from app.downloads import Downloads
from app.history import HISTORY, HistoryWiring, build_history_tab
from app.jobs import Jobs
from app.opening import Opening
from app.passage import build_passage_tab
from app.pulse import Pulse
from app.queue_panel import build_queue_panel
from app.queue_wiring import QueueWiring
from app.restoring import Restoring
from app.state import ANIMATE, TRANSITION
from app.system import SYSTEM, SystemWiring, build_system_tab
from app.theme import build_theme
from app.wiring import Wiring
from pipeline.settings import PrepareSettings

TITLE = "Image-to-Video"
HERE = Path(__file__).resolve().parent

KEEP_UPLOADS_SECONDS = 24 * 3600
"""Uploads are removed after a day; every run keeps its own copy of its inputs."""

HEADER = f"""<header class="top"><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9"/>
<path d="M12.5 9.8l10 6.2-10 6.2z"/></svg><h1 translate="no">{TITLE}</h1><p>Photos that move, made on this machine.</p>
{restoring.BUTTON}{languages.PICKER}</header>"""


class Page(gr.Blocks):
    """The page with the queue behind it: closing it breaks off what runs; what waits is taken up by the next start."""

    def __init__(self, jobs: Jobs, downloads: Downloads, pulse: Pulse) -> None:
        age = (3600, KEEP_UPLOADS_SECONDS)
        super().__init__(title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=age)
        self.jobs, self.downloads, self.pulse = jobs, downloads, pulse

    def accounts(self) -> list[tuple[str, str]]:
        """Names and passwords that let people in; none before the launch, or where no password is asked for."""
        accounts: Any = self.auth  # set by the launch
        return accounts or []

    def close(self, verbose: bool = True) -> None:
        """Stop the runs, the download and the server."""
        self.jobs.close()
        self.downloads.close()
        super().close(verbose)


class LaunchOptions(TypedDict):
    """What the page needs from `gradio.Blocks.launch`, beside address and password."""

    theme: gr.themes.Base
    css_paths: list[str]
    favicon_path: str
    js: str
    footer_links: list[Literal["api", "gradio", "settings", "runs"] | dict[str, str]]
    run_history: bool
    max_file_size: int
    allowed_paths: list[str]
    show_error: bool
    ssr_mode: bool
    quiet: bool


def build(outputs: Path, logs: Path) -> Page:
    """The page, over a queue of its own that writes to `outputs`. Nothing is started before the first run."""
    jobs, downloads = Jobs(outputs, load_runner), Downloads()
    actions = Actions(jobs, Path(get_upload_folder()), logs, downloads)
    page = Page(jobs, downloads, pulse := Pulse(actions))
    with page:
        header = gr.HTML(HEADER, elem_id="header", js_on_load=script("restore.js"))
        told = restoring.build_told()
        queue = build_queue_panel()
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Animate", id=ANIMATE):
                tab = build_tab()
            with gr.Tab("Transition", id=TRANSITION, render_children=True):
                passage = build_passage_tab()
            with gr.Tab("History", id=HISTORY, render_children=True) as past:
                history = build_history_tab()
            with gr.Tab("System", id=SYSTEM, render_children=True) as system_tab:
                system = build_system_tab()
        wiring, crossing = Wiring(tab, actions), Crossing(passage, actions)
        wiring.connect()
        crossing.connect()
        Opening(wiring, crossing).connect(page)
        Restoring(tabs, actions, wiring, crossing).connect(header, told)
        queued = QueueWiring(queue, tabs, actions, (wiring, crossing))
        queued.connect()
        Api(actions).connect()
        HistoryWiring(history, tabs, actions, (wiring, crossing)).connect(past)
        looking = SystemWiring(system, actions, wiring.state.shown, page.accounts)
        looking.connect(system_tab)
        pulse.connect(wiring, crossing, queued, looking)
    return page


def launch_options(outputs: Path, pulse: str) -> LaunchOptions:
    """Options for `launch`: the look, the size limit of uploads, and the outputs as the only folder that is served.

    `pulse` is the script of the page's pulse.
    """
    largest = PrepareSettings.model_fields["max_file_mb"].default
    return LaunchOptions(
        theme=build_theme(),
        css_paths=[str(HERE / "style.css")],
        favicon_path=str(HERE / "icon.svg"),
        js=f"() => {{ ({(HERE / 'page.js').read_text(encoding='utf-8')})(); ({languages.script()})(); {pulse}; }}",
        footer_links=[],
        run_history=False,
        max_file_size=largest * 1_000_000,
        allowed_paths=[str(outputs.resolve())],
        show_error=False,
        ssr_mode=False,
        quiet=True,
    )
