"""Write-back: accepted songs written into the playlist's own file, so that only they are new in it.

What stands in a list stays as it is, byte for byte: its encoding, line ends, order, comments and
whatever else a program keeps there. Songs are put in by inserting text, as the list's own entries
are written.

- `adding` is the pure core: bytes in, bytes out. `lines`, `xml_lists` and `jspf` know the formats,
  `places` how a list names its files, `text` its encoding.
- `disk` and `replacing` change a file in one step, and never outside of the folder.
- `writer` says what any place to write to can do; `folder_writer` is that of a folder,
  `server_writer` that of a music server. `targets` knows which source has which.
- `acts` carries a write or an undo through, whatever ends it half-way.
"""
