"""The sandbox as a page in the browser: a chat app as on a phone, and beside it the world around the bot.

``static/`` is what the browser loads. The modules here send it the state, live, and carry out its requests.
"""
