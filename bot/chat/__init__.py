"""The Telegram side: everything that imports ``telegram``. Handlers call services; views put results into words."""
