"""A plain reading of what a spec means, row at a time: the measure that code is held against.

It shares nothing with the generators but the spec model. Filters, joins, grouping, order, merging
and histories are Python that anybody can follow; DuckDB only gives the values of single
expressions, as the spec wrote them.
"""
