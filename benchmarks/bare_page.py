"""The least page that gradio can serve: one text box. `python benchmarks/bare_page.py PORT`."""

import sys

import gradio as gr

with gr.Blocks(analytics_enabled=False) as page:
    gr.Textbox()
page.launch(server_port=int(sys.argv[1]), share=False, quiet=True)
