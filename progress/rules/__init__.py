"""How reports become events and states: the rules in Python, and their twin in a server's script.

`constants` says every number of the rules, once. `state` makes events of reports, `feed` says which
of them an account's feed carries, and `snapshot` folds events into the state that readers are shown
(its twin in the browser is ``reduce.ts``). `append.lua` is the twin of all three in the server:
`script` makes its text, `batch` writes the reports as it reads them, and `stored` reads the state
as it keeps it. Nothing here talks to a server.
"""
