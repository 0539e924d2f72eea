"""The sound of a song as a browser plays it.

`kinds` tells which files browsers play as they are, and `mp3` makes MP3 of any other. `waveform` is
the waveform of a song that a player draws. `store` keeps what was made, to a bound; `making` makes
it, in a process of its own.
"""
