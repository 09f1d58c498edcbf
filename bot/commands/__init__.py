"""The command line's groups beside running: data, chats, outbox. They are for operators, and speak English."""
