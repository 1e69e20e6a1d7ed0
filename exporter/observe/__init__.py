"""What is seen and how it is judged.

The only part of the exporter, with `kit`, that the remediator may import.
"""
