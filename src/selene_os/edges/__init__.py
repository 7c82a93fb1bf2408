"""The ways in: they read the environment, translate, and decide nothing."""
