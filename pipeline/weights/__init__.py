"""Where weights come from: the registry, the bundled model."""
