"""What a user can do: train, translate, evaluate and so on, each as a plain function."""
