"""Trainings of toys have few pairs."""

from toy_runs import fewer_pairs as fewer_pairs
