"""Blocks composed into models; each file reads like the figure of its paper."""
