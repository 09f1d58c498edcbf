"""The store on PostgreSQL, for one process or many.

From the outside in:

- ``store``: the store itself, and what opens it
- ``chats``, ``checks``, ``outbox``, ``payments``, ``desk``, ``sharing``: the port's methods, each a transaction
- ``rows``: chats and payments as they stand in tables; what becomes of them is said by :mod:`bot.store.rules.chats`,
  :mod:`bot.store.rules.alerts` and :mod:`bot.store.rules.payments`, for this store as for the embedded one
- ``connections``: the pool, transactions, and what happens while the database is away
- ``schema``: migrations, whose steps are in ``versions``; ``keys``: sealed secrets
"""
