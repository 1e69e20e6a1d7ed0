"""The story a newcomer runs: a local cluster, the shipped alerts, both programs, three failures."""
