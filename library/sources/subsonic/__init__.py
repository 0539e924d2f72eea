"""A music server that speaks the Subsonic API or OpenSubsonic (opensubsonic.netlify.app).

`client` asks and `answers` reads; `guard` and `transport` decide where to connect. `source` makes a
source of music of it, whose sound is kept in a `cache`. `writing` changes playlists on the server.
"""
