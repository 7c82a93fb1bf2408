"""Proof: what lets anyone check that no committed row was changed, taken away or put behind.

    leaves       one committed row -> one leaf hash
    merkle       leaf hashes -> a tree: its root, inclusion and consistency proofs
    signing      keys: who signs, and whom to believe
    notes        text and who signed it, as one file
    checkpoint   a tree's size and root as such a text
    key_chain    from one key of a log that is trusted to those that replaced it
    evidence     one conversation's rows, and what proves them
    archive      files as a zip of which there is one form in bytes
    report       the evidence to be read by people
    bundle       the evidence as one file, for whoever must check it without Selene
    judging      whether such a file holds; verify_case.py judges it with nothing of Selene's

All of these are pure: no database, no clock, no random source. Source: RFC 6962, RFC 9162,
c2sp.org/signed-note, c2sp.org/tlog-checkpoint.
"""
