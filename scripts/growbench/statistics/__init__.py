"""Statistics as small functions over plain arrays, one file for each kind of question.

The unit of replication is the worker: one value for each worker goes in, never the values from
within a worker. Functions named grouped_... or that take a two-dimensional array do the same for
many cells at once.

    order       median of a cell and its interval; rank correlation
    paired      rounds as pairs, and the ratio of what they measured
    shift       two sets of workers: Hodges-Lehmann shift, exact rank-sum interval and p
    multiple    many questions at once: Holm's adjustment, Simes' test
    visible     the smallest effect that a comparison could have seen
    growth      how a time grows with the number of rows: local slopes, the exponent of the tail
    crossover   from which size on one is faster than another
"""
