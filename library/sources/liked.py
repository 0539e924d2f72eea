"""By which names people call the list of the songs they love. Pure.

The names are the ones that players and services give such a list, and those that people give it,
language by language. A list of another name can be chosen on the page of the source.
"""

from __future__ import annotations

import re
import unicodedata

_NAMES = """
liked, likes, loved, starred, favorite, favorites, favourite, favourites, favs, faves
5 stars, five stars, thumbs up
songs i love, songs i like, music i love, tracks i love
favoris, coups de coeur, titres likés, titres favoris, chansons favorites, mes favoris
mes titres préférés, morceaux favoris, préférés
lieblingslieder, lieblingssongs, lieblingsmusik, lieblingstitel, favoriten, gelikte songs, lieblinge
favoritos, favoritas, canciones favoritas, canciones que te gustan, me gusta, mis favoritos
mis favoritas, mis canciones favoritas, música que te gusta
curtidas, músicas curtidas, minhas favoritas, músicas favoritas, meus favoritos
preferiti, brani preferiti, brani che ti piacciono, i miei preferiti, canzoni preferite
favorieten, gelikete nummers, mijn favorieten, vind ik leuk, lievelingsnummers
favoriter, gillade låtar, mina favoriter, favoritlåtar, favoritter, likte sanger, mine favoritter
yndlingssange, suosikit, tykätyt kappaleet, uppáhalds
ulubione, polubione utwory, moje ulubione, oblíbené, oblíbené skladby, obľúbené, kedvencek
kedvelt dalok, melodii preferate, omiljene, priljubljene, mėgstamiausi, lemmikud
любимые, любимое, любимые песни, любимые треки, избранное, понравившиеся, мне нравится
любими, омиљене, улюблені, улюблене, улюблені пісні, вподобані
αγαπημένα, τραγούδια που σου αρέσουν, αγαπημένα τραγούδια
beğenilen şarkılar, beğenilenler, favoriler, favorilerim, sevdiklerim
המועדפים, אהבתי, שירים אהובים, المفضلة, الأغاني التي أعجبتك, المفضلات
お気に入り, お気に入りの曲, いいね, 好きな曲, 我喜欢, 我喜欢的音乐, 喜欢的歌曲, 收藏, 我的收藏, 最爱
我喜歡, 我喜歡的音樂, 喜歡的歌曲, 我的最愛, 最愛, 좋아요, 좋아요 표시한 곡, 즐겨찾기, 좋아하는 노래
เพลงที่ชอบ, รายการโปรด, yêu thích, bài hát đã thích, lagu yang disukai, favorit, lagu kesukaan
पसंदीदा, पसंदीदा गाने
"""  # noqa: RUF001
_WORD = re.compile(r"[,\n]\s*")
#: What may stand before or behind an English name, or be left out.
_AROUND = re.compile(
    r"(?:(?:my|all|the)\s+)*(.+?)(?:\s+(?:songs?|tracks?|music|tunes|titles|list))*"
)


def _folded(name: str) -> str:
    """A name as names are compared: without case, accents, marks and hearts around it."""
    parts = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe"))
    kept = "".join(
        c if c.isalnum() or unicodedata.category(c) == "Mc" else " "
        for c in parts
        if not unicodedata.combining(c)
    )
    return " ".join(kept.split())


_LIKED_NAMES = frozenset(folded for name in _WORD.split(_NAMES) if (folded := _folded(name)))


def is_liked_name(name: str) -> bool:
    """Whether a playlist of this name is the list of the person's liked songs."""
    folded = _folded(name)
    plain = _AROUND.fullmatch(folded)
    return folded in _LIKED_NAMES or (plain is not None and plain[1] in _LIKED_NAMES)
