"""What is looked at before a node's snapshot space is extended, and what is said of it. Pure.

One file per subject: the bytes, LVM on the node, the machine in its cloud, the drain. Each returns
what it found, or why there is no plan. What is done is in steps/.
"""
