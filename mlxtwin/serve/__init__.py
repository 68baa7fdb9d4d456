"""The engine process: base and adapters in memory, prompts in, tokens out."""
