"""Why warm-up? Gradients at the start, trainings with and without, and interventions on causes."""
