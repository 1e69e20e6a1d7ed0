"""The only writers. One file per thing that is written to."""
