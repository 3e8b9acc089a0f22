"""Other people's formats, in and out: our weights where other engines can read them."""
