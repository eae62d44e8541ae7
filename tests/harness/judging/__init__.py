"""Judges a run: the sandboxes' truth and journals, row by row, against what was expected."""
