"""The tables' revisions, in order."""
