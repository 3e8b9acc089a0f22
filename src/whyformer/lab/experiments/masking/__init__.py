"""What do BERT's 15 % and 80/10/10 do? Counted, then by training with three recipes and probing."""
