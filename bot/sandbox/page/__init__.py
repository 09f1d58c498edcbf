"""The sandbox as a page in the browser: a phone's chat app, and beside it the world around the bot.

``static/`` is what the browser loads; the modules here tell it what there is to see, live, and do what it asks.
"""
