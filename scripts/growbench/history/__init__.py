"""Many runs in order: since when is something as it is?

reading: what is kept of each run. order: which comes after which, and which repeat each other.
counts, times: change points of both. changes: the two as one table. document: what is said of
them. picture: the figure.
"""
