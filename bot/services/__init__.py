"""The use cases, one a file. They know the ports and the domain, and nothing of Telegram, HTTP or files."""
