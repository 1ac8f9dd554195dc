"""Energy: the methods and how far each may be wrong, the meters of this host, and the backends of others."""
