"""How reports become events and states: the fold in Python and its twin in the server's script.

`state` has the rules and `append.lua` the same ones for Redis; `batch` writes the reports as the
script reads them, `stored` reads back what the script keeps, and `snapshot` folds events into the
state that readers are shown (its twin in the browser is ``reduce.ts``). Nothing here does I/O.
"""
