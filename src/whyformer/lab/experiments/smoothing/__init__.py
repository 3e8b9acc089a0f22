"""What does label smoothing buy? Its optimum exactly, and models trained with much and little."""
