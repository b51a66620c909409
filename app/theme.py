"""The look: a Gradio theme from a few tokens; style.css does the rest. Fonts are the system's: nothing is fetched."""

import gradio as gr
from gradio.themes import Color, Size

ACCENT = Color(
    name="accent", c50="#effaf8", c100="#d7f2ee", c200="#b0e4dd", c300="#7fd0c6", c400="#4bb5a9", c500="#2a998d",
    c600="#117a70", c700="#0f625b", c800="#114f4a", c900="#12413e", c950="#042624",
)  # fmt: skip
INK = Color(
    name="ink", c50="#f8f9f9", c100="#f1f3f3", c200="#e3e7e7", c300="#cfd6d6", c400="#98a3a4", c500="#6a7677",
    c600="#515c5d", c700="#3d4647", c800="#222829", c900="#171c1d", c950="#0f1314",
)  # fmt: skip

SANS = ("ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "PingFang SC", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")


def build_theme() -> gr.themes.Base:
    """The theme of the page, for light and dark."""
    radius = Size(name="radius", xxs="4px", xs="6px", sm="8px", md="10px", lg="12px", xl="16px", xxl="20px")
    theme = gr.themes.Base(
        primary_hue=ACCENT, secondary_hue=ACCENT, neutral_hue=INK, radius_size=radius, font=SANS, font_mono=MONO
    )
    return theme.set(
        body_background_fill="*neutral_100",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_800",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_width="0px",
        block_shadow="none",
        block_label_background_fill="transparent",
        block_title_text_weight="600",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_800",
        input_border_color="*neutral_200",
        input_border_color_dark="*neutral_700",
        input_border_color_focus="*primary_500",
        input_border_color_focus_dark="*primary_400",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_400",
        button_primary_text_color="white",
        button_primary_text_color_dark="*neutral_950",
        button_secondary_background_fill="*neutral_100",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        checkbox_border_radius="*radius_xs",
        checkbox_border_color="*neutral_400",
        checkbox_border_color_dark="*neutral_500",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )
