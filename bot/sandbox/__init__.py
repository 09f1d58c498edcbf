"""A provider and a Telegram on this machine, for trying and testing the bot. They listen on loopback only."""
