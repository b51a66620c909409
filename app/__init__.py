"""The web page: everything that needs gradio."""
