"""What is seen and how it is judged: the only part of the exporter, with `kit`, that the remediator may import."""
