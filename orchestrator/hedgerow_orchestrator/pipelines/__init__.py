"""The packaged pipelines: data, one TOML file each."""
