"""What the sources and sinks need of files, cameras and the network, without ports."""
