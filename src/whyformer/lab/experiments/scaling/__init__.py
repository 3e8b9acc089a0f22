"""Why 1/√d_k? At initialisation by drawing scores, and after training by tuning every arm."""
