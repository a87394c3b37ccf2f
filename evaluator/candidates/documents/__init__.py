"""From a document of edits and a parent to a program."""
