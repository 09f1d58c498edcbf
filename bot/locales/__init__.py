"""The catalogues of the bot's texts, one folder a language."""
