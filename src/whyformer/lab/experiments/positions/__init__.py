"""Why sines and cosines? What the codes can do exactly, and what trained models make of them."""
