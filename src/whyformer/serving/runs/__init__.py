"""Runs that the server answers with: translation, language models, labels, attention."""
