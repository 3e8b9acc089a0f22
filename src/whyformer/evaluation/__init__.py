"""Hypotheses -> scores, each with unit, interval and settings; paired significance tests."""
