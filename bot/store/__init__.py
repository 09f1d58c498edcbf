"""Where things are kept: one store over two backends, and the vault that seals tokens.

``store`` implements the port over what ``backend`` says a backend must do. ``rules`` say what becomes of a record,
``tinydb`` and ``postgres`` are the backends. ``vault`` and ``secrets`` seal; ``move`` carries all data over.
"""
