"""The Telegram side: everything that imports ``telegram``. Handlers call services; views put the answers into words."""
