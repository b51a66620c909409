"""How the prompts on the way from one caption to the other are found: by rule, or in a language model's answer."""

from pipeline.planning.answer import BadAnswer, Prompts, read_answer
from pipeline.planning.conversation import Message, answer_limit, write_prompts
from pipeline.planning.templates import template_plan

__all__ = [
    "BadAnswer",
    "Message",
    "Prompts",
    "answer_limit",
    "read_answer",
    "template_plan",
    "write_prompts",
]
