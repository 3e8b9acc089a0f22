"""The verbs as plain functions: here the rooms are wired together."""
