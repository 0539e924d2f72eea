"""Exports: what other services and programs give a person of their library, as files.

`reading.read` makes an `Export` of the files that a person has; every format has a module of its
own. Nothing here opens a file by a name that stands in an export, and nothing is unpacked.
"""
