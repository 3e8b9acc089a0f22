"""The actions of a user, such as train, translate and evaluate; each is a plain function."""
