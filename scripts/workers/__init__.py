"""Workers in Python: what `growbench` measures of Python and NumPy.

kit: the passes, by the harness's own library. snippets: strategies as statements. One file for
each implementation: numpy_strategies, numpy_patterns, python_strategies. Nothing here imports the
package growbench or pandas: a worker is a fresh process, and starts as fast as it can.
"""
