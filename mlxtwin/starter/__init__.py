"""The bundled starter base model: data files only (see README.md in this folder)."""
