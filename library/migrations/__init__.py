"""The migrations of the database.

Each adds: columns that may be empty or have a default, tables, indexes. Code of before goes on
working while a release takes its place, and when it is rolled back; each migration names in
``oldest_code`` the oldest revision whose code does. A column that nothing reads any more goes one
release later, and raises ``oldest_code`` to the revision that stopped reading it.
"""
