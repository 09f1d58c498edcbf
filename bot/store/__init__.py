"""Where things are kept: the embedded store on TinyDB, and the vault that seals tokens.

From the outside in:

- ``tinydb``: the store itself, all its work in one thread; ``start``: opens, or merely inspects, a data folder
- ``chats``, ``checks``, ``outbox``, ``payments``: the port's methods, each a transaction
- ``database``: loads and changes records, and keeps ``state`` (what is due, and which file holds what) in step;
  ``queue``: the leases on what is due
- ``sharing``: roles and budgets, of which one process has all
- ``changes``, ``messages``, ``journal``, ``upkeep``: what happens to what is stored; both stores go by these rules
- ``postgres``: the store on PostgreSQL; ``archive``: moving all data from one store to the other, ``folder``: this one
  as a whole
- ``records``: what stands in the files; ``storage``: TinyDB on them; ``files``: writes that survive a crash
- ``vault``: seals; ``keyfile``: its keys where none are set; ``fingerprints``, ``tokens``: what is sealed
"""
