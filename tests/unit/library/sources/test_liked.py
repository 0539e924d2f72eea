"""The list of loved songs is known by the names that people give it."""

from __future__ import annotations

import pytest

from library.sources.liked import is_liked_name


@pytest.mark.parametrize(
    "name",
    [
        "Liked Songs", "LIKED", "My Favorites", "my favourite songs", "Favourites", "Loved tracks",
        "Starred", "♥ Liked Music", "5 Stars", "Songs I Love", "All liked songs", "liked_songs",
        "Favoris", "Mes titres préférés", "Coups de cœur", "Coups de coeur", "Lieblingslieder",
        "Favoriten", "Canciones que te gustan", "Músicas curtidas", "Musicas Curtidas", "Preferiti",
        "Vind ik leuk", "Gillade låtar", "Ulubione", "Oblíbené", "Любимые", "Избранное",
        "Αγαπημένα", "Sevdiklerim", "お気に入り", "我喜欢的音乐", "我的最愛", "좋아요 표시한 곡",
        "المفضلة",
        "Yêu thích", "पसंदीदा",
    ],
)  # fmt: skip
def test_a_name_of_any_language_is_known(name):
    assert is_liked_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "Liked by Ann", "Favour", "Best of", "Love", "Love Songs", "Stars", "Songs", "My music",
     "Favorite Things (Coltrane)", "The Loved Ones", "♥", "Heart", "音楽", "Unloved"],
)  # fmt: skip
def test_another_name_is_that_of_a_playlist(name):
    assert not is_liked_name(name)
