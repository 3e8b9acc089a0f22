"""Are several heads better than one? Trained with many or few; then heads are taken out again."""
