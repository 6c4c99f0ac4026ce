"""Compare runs: of one machine before and after a change, or of several machines.

    run             a run with its label and its machine's description
    machines        several machines: which claims hold on how many of them
    differences     what distinguishes the machines
"""
