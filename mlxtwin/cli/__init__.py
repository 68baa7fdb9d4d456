"""The commands: parse, ask the client, print. One file per noun, imported only when its command runs."""
