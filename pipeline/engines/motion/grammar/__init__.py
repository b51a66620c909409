"""The grammar of prompts: words -> clauses -> a motion plan, and back to a sentence."""
