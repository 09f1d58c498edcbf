"""The catalogues of the bot's texts, a folder for each language."""
