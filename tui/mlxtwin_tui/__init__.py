"""The screens of mlxtwin: one file and one .tcss per screen. They know the client and Textual, and load no model."""
