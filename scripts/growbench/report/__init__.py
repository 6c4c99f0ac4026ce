"""The report of a run, or of several side by side: one HTML file, and the same as PDF.

Data flows one way here too:

    sentences   text made of parts: words, names from the data, figures
    evidence    what findings are made from: a run, its tables, its cells at the article's size
    findings    FINDINGS: what the data say, in sentences; what they do not support is not said
    sections    the facts of a run, its tables, how to make it again
    figures     the plots as small PNG images, with words for those who do not see them
    page        all of it as one HTML file
    paper       that file as PDF
"""
