"""Compare arms: train each with the same seeds, and judge the differences."""
