"""Searches that know words: phrases that must or must not occur in the output."""
