"""The use cases, each a file or a package. They know ports and domain, and nothing of Telegram, HTTP or files."""
