"""The report of a run, or of several side by side: one HTML file, and the same as PDF.

Data flows one way here too:

    sentences   text made of parts: words, names from the data, figures
    evidence    what findings are made from: a run, its tables, its cells at the article's size
    findings    FINDINGS: what the data say, in sentences; what they do not support is not said
    facts       what the machine was, when and how it was measured, how to do so again
    sections    the tables of a run
    figures     the plots as small PNG images, with words for those who do not see them
    memory      a picture of memory, from a layout that is kept
    copies      copying patterns: their plots and tables
    side_by_side  several runs beside each other
    assemble    from runs to all of these
    page        all of it as one HTML file
    paper       that file as PDF
"""
