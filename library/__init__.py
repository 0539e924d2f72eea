"""The domain: accounts, songs, playlists, listening and matching."""
