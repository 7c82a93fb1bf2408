"""Intents and the words for them, as data: directories that a user can read, copy and change."""
