"""Load, summarise, compare and plot the runs of growbench.

Data flows one way: load -> statistics -> summary or comparison -> plots and tables -> files.
A module knows nothing of those after it in that chain.
"""
