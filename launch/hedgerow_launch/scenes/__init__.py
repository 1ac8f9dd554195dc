"""What `hedgerow demo SCENE` shows of serving: one file a scene, each with a `play`."""
