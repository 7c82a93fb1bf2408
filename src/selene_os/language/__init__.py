"""Text to tokens, values and commands: pure functions, offsets into what was said."""
