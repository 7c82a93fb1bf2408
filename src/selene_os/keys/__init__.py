"""Keys: who can read the words of the ledger, and the end of that.

A root key wraps one key for each tenant, that one a key for each of its users, and of a user's key
comes one for each row. What is destroyed is the user's key; what is encrypted with it stays where
it is, as bytes that nobody reads, so that every digest over the rows still holds.
"""
